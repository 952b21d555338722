#pragma once

// The body of dispatch(), apart from the formats so that half.h reads as a list of them.

#include "brisk/base/error.h"
#include "brisk/base/half.h"

namespace brisk {

template <typename F>
decltype(auto) dispatch(DType type, F&& f) {
  switch (type) {
    case DType::f64: return f.template operator()<double>();
    case DType::f32: return f.template operator()<float>();
    case DType::f16: return f.template operator()<half>();
    case DType::bf16: return f.template operator()<bfloat16>();
    case DType::f8e4m3: return f.template operator()<float8_e4m3>();
    case DType::f8e5m2: return f.template operator()<float8_e5m2>();
    case DType::i64: return f.template operator()<int64_t>();
    case DType::i32: return f.template operator()<int32_t>();
    case DType::i16: return f.template operator()<int16_t>();
    case DType::i8: return f.template operator()<int8_t>();
    case DType::u64: return f.template operator()<uint64_t>();
    case DType::u32: return f.template operator()<uint32_t>();
    case DType::u16: return f.template operator()<uint16_t>();
    case DType::u8: return f.template operator()<uint8_t>();
    case DType::boolean: return f.template operator()<bool>();
    case DType::i4: break;
  }
  refuse("elements of type {} cannot be addressed one by one", name(type));
}

}  // namespace brisk
