#include "brisk/base/error.h"

namespace brisk {

void throw_user_error(fmt::string_view format, fmt::format_args arguments) {
  throw UserError(fmt::vformat(format, arguments));
}

void throw_internal_error(fmt::string_view format, fmt::format_args arguments) {
  throw InternalError(fmt::vformat(format, arguments) +
                      " (this is a defect of brisk; please report it with the command you ran)");
}

}  // namespace brisk
