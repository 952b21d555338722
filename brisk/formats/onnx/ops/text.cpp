#include <algorithm>
#include <cmath>
#include <map>
#include <regex>
#include <set>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"

// Strings: computed between stages, on the host.

namespace brisk::onnx {
namespace {

const std::vector<std::string>& texts_of(const Call& c, size_t i) {
  const HostTensor& tensor = c.known(i);
  require(tensor.is_string(), "its input {} should hold strings, not {}", i, name(tensor.element));
  return *tensor.strings;
}

void concat(Call& c) {
  const std::vector<std::string> a = texts_of(c, 0), b = texts_of(c, 1);
  // NumPy's broadcasting, by position.
  const std::vector<int64_t> left = c.known(0).sizes, right = c.known(1).sizes;
  const size_t rank = std::max(left.size(), right.size());
  std::vector<int64_t> sizes(rank);
  const auto size_at = [&](const std::vector<int64_t>& list, size_t axis) {
    return axis + list.size() < rank ? int64_t{1} : list[axis + list.size() - rank];
  };
  for (size_t axis = 0; axis < rank; ++axis) {
    const int64_t x = size_at(left, axis), y = size_at(right, axis);
    require(x == y || x == 1 || y == 1, "sizes {} and {} of axis {} do not agree", x, y, axis);
    sizes[axis] = x == 1 ? y : x;
  }
  const int64_t count = checked_product(sizes);
  const auto place = [&](int64_t index, const std::vector<int64_t>& list) {
    int64_t at = 0, stride = 1;
    for (size_t axis = rank; axis-- > 0;) {
      const int64_t size = size_at(list, axis), digit = index % sizes[axis];
      index /= sizes[axis];
      if (size != 1) at += digit * stride;
      stride *= size;
    }
    return static_cast<size_t>(at);
  };
  std::vector<std::string> joined;
  for (int64_t i = 0; i < count; ++i) joined.push_back(a[place(i, left)] + b[place(i, right)]);
  c.out(HostTensor(sizes, std::move(joined)));
}

std::vector<std::string> split_text(const std::string& text, const std::string& separator,
                                    int64_t limit) {
  std::vector<std::string> parts;
  size_t at = 0;
  const auto full = [&] { return limit >= 0 && static_cast<int64_t>(parts.size()) >= limit; };
  if (separator.empty()) {  // runs of white space; none at the ends
    const char* const kSpace = " \t\n\r\f\v";
    while ((at = text.find_first_not_of(kSpace, at)) != std::string::npos) {
      if (full()) {
        const size_t last = text.find_last_not_of(kSpace);
        parts.push_back(text.substr(at, last - at + 1));
        return parts;
      }
      const size_t end = std::min(text.find_first_of(kSpace, at), text.size());
      parts.push_back(text.substr(at, end - at));
      at = end;
    }
    return parts;
  }
  while (!full()) {
    const size_t end = text.find(separator, at);
    if (end == std::string::npos) break;
    parts.push_back(text.substr(at, end - at));
    at = end + separator.size();
  }
  parts.push_back(text.substr(at));
  return parts;
}

void split(Call& c) {
  const std::vector<std::string> texts = texts_of(c, 0);
  const int64_t limit = c.has_attribute("maxsplit") ? c.integer("maxsplit") : -1;
  std::vector<std::vector<std::string>> rows;
  std::vector<int64_t> counts;
  size_t width = 0;
  for (const std::string& text : texts) {
    rows.push_back(split_text(text, c.text("delimiter", ""), limit));
    counts.push_back(static_cast<int64_t>(rows.back().size()));
    width = std::max(width, rows.back().size());
  }
  std::vector<std::string> all;
  for (std::vector<std::string>& row : rows) {
    row.resize(width);
    all.insert(all.end(), row.begin(), row.end());
  }
  std::vector<int64_t> sizes = c.known(0).sizes, wide = sizes;
  wide.push_back(static_cast<int64_t>(width));
  c.out(0, c.trace.constant(HostTensor(wide, std::move(all))));
  c.out(1, c.trace.constant(HostTensor(Tensor::of<int64_t>(sizes, counts))));
}

void regex_full_match(Call& c) {
  const std::vector<std::string> texts = texts_of(c, 0);
  Tensor result(DType::boolean, c.known(0).sizes);
  try {
    const std::regex pattern(c.text("pattern", ""), std::regex::ECMAScript);
    for (size_t i = 0; i < texts.size(); ++i)
      result.data<bool>()[i] = std::regex_match(texts[i], pattern);
  } catch (const std::regex_error& error) {
    refuse("its pattern '{}' cannot be read: {}", c.text("pattern", ""), error.what());
  }
  c.out(HostTensor(std::move(result)));
}

/// ASCII letters, and the two-byte letters of Latin-1 (U+00C0 to U+00FE) in UTF-8.
std::string with_case(const std::string& text, bool upper) {
  std::string result = text;
  for (size_t i = 0; i < result.size(); ++i) {
    const auto letter = static_cast<unsigned char>(result[i]);
    if (letter < 0x80) {
      result[i] = static_cast<char>(upper ? std::toupper(letter) : std::tolower(letter));
    } else if (letter == 0xC3 && i + 1 < result.size()) {
      const auto next = static_cast<unsigned char>(result[i + 1]);
      const bool is_sign = next == 0x97 || next == 0xB7;
      if (!is_sign && !upper && next >= 0x80 && next <= 0x9E)
        result[i + 1] = static_cast<char>(next + 0x20);
      if (!is_sign && upper && next >= 0xA0 && next <= 0xBE)
        result[i + 1] = static_cast<char>(next - 0x20);
      ++i;
    }
  }
  return result;
}

void string_normalizer(Call& c) {
  std::vector<std::string> texts = texts_of(c, 0);
  const std::vector<int64_t> sizes = c.known(0).sizes;
  require(sizes.size() == 1 || (sizes.size() == 2 && sizes[0] == 1), "it takes a list of strings");
  const std::string change = c.text("case_change_action", "NONE");
  require(change == "NONE" || change == "LOWER" || change == "UPPER",
          "its case_change_action is '{}'", change);
  const bool sensitive = c.integer("is_case_sensitive", 0) != 0;
  std::set<std::string> stops;
  for (const std::string& word : c.texts("stopwords"))
    stops.insert(sensitive ? word : with_case(word, false));
  std::vector<std::string> kept;
  for (const std::string& text : texts) {
    if (stops.contains(sensitive ? text : with_case(text, false))) continue;
    kept.push_back(change == "NONE" ? text : with_case(text, change == "UPPER"));
  }
  if (kept.empty()) kept.emplace_back();
  const auto count = static_cast<int64_t>(kept.size());
  c.out(HostTensor(sizes.size() == 1 ? std::vector<int64_t>{count} : std::vector<int64_t>{1, count},
                   std::move(kept)));
}

/// Any item of a vocabulary as text, so that one table serves numbers and strings.
std::vector<std::string> keys_of(const HostTensor& tensor) {
  if (tensor.is_string()) return *tensor.strings;
  std::vector<std::string> keys;
  if (brisk::is_floating(tensor.tensor.dtype()))
    for (const double value : reals(tensor))
      keys.push_back(std::isnan(value) ? "nan" : fmt::format("{}", static_cast<float>(value)));
  else
    for (const int64_t value : integers(tensor)) keys.push_back(fmt::format("{}", value));
  return keys;
}

void tf_idf(Call& c) {
  const std::vector<std::string> words = keys_of(c.known(0));
  const std::vector<int64_t> sizes = c.known(0).sizes;
  require(sizes.size() == 1 || sizes.size() == 2, "it takes a list or a table of items");
  const int64_t shortest = c.integer("min_gram_length"), longest = c.integer("max_gram_length"),
                skips = c.integer("max_skip_count");
  const std::vector<int64_t> starts = c.integers("ngram_counts"),
                             columns = c.integers("ngram_indexes");
  std::vector<std::string> pool = c.texts("pool_strings");
  for (const int64_t item : c.integers("pool_int64s")) pool.push_back(fmt::format("{}", item));
  require(!columns.empty() && shortest >= 1 && longest >= shortest && skips >= 0,
          "its n-grams are not described");
  std::map<std::vector<std::string>, int64_t> number_of;  // n-gram to its number
  int64_t number = 0;
  for (size_t length = 1; length <= starts.size(); ++length) {
    const int64_t start = starts[length - 1],
                  end = length < starts.size() ? starts[length] : static_cast<int64_t>(pool.size());
    require(start >= 0 && start <= end && end <= static_cast<int64_t>(pool.size()),
            "its ngram_counts do not fit its pool");
    for (int64_t at = start; at + static_cast<int64_t>(length) <= end;
         at += static_cast<int64_t>(length))
      number_of[{pool.begin() + at, pool.begin() + at + static_cast<int64_t>(length)}] = number++;
  }
  require(number <= static_cast<int64_t>(columns.size()), "its ngram_indexes are {} for {} n-grams",
          columns.size(), number);
  const int64_t width = *std::max_element(columns.begin(), columns.end()) + 1;
  const int64_t rows = sizes.size() == 2 ? sizes[0] : 1, length = sizes.back();
  Tensor result = Tensor::zeros(DType::f32, sizes.size() == 2 ? std::vector<int64_t>{rows, width}
                                                              : std::vector<int64_t>{width});
  const std::vector<float> weights = c.reals("weights");
  const std::string mode = c.text("mode", "TF");
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t skip = 1; skip <= skips + 1; ++skip)
      for (int64_t start = 0; start < length; ++start)
        for (int64_t n = shortest; n <= longest; ++n) {
          if (n == 1 && skip > 1) continue;  // single items skip nothing
          if (start + (n - 1) * skip >= length) break;
          std::vector<std::string> gram;
          for (int64_t k = 0; k < n; ++k)
            gram.push_back(words[static_cast<size_t>(row * length + start + k * skip)]);
          const auto found = number_of.find(gram);
          if (found == number_of.end()) continue;
          const int64_t at = row * width + columns[static_cast<size_t>(found->second)];
          result.set(at, result.get(at) + 1);
        }
    for (int64_t i = 0; i < static_cast<int64_t>(columns.size()) && mode != "TF"; ++i) {
      const int64_t at = row * width + columns[static_cast<size_t>(i)];
      const double weight =
          i < static_cast<int64_t>(weights.size()) ? weights[static_cast<size_t>(i)] : 1;
      result.set(at, mode == "IDF" ? (result.get(at) > 0 ? weight : 0) : result.get(at) * weight);
    }
  }
  c.out(HostTensor(std::move(result)));
}

void label_encoder(Call& c) {
  const std::vector<int64_t> sizes = c.known(0).sizes;
  const std::vector<std::string> items = keys_of(c.known(0));
  std::vector<std::string> keys = c.texts("keys_strings");
  const auto append = [&](const HostTensor& tensor) {
    for (std::string& key : keys_of(tensor)) keys.push_back(std::move(key));
  };
  if (const auto whole = c.integers("keys_int64s"); !whole.empty())
    append(HostTensor(Tensor::of<int64_t>({static_cast<int64_t>(whole.size())}, whole)));
  if (const auto real = c.reals("keys_floats"); !real.empty())
    append(HostTensor(Tensor::of<float>({static_cast<int64_t>(real.size())}, real)));
  if (const AttributeDef* tensor = c.node.find("keys_tensor")) append(tensor->tensor);
  std::map<std::string, size_t> place;
  for (size_t i = 0; i < keys.size(); ++i) place.emplace(keys[i], i);
  const auto looked_up = [&](auto values, auto otherwise) {
    require(values.size() == keys.size(), "it has {} keys and {} values", keys.size(),
            values.size());
    decltype(values) result;
    for (const std::string& item : items) {
      const auto found = place.find(item);
      result.push_back(found == place.end() ? otherwise : values[found->second]);
    }
    return result;
  };
  if (c.has_attribute("values_strings"))
    return c.out(HostTensor(
        sizes, looked_up(c.texts("values_strings"), c.text("default_string", "_Unused"))));
  if (c.has_attribute("values_int64s"))
    return c.out(HostTensor(Tensor::of<int64_t>(
        sizes, looked_up(c.integers("values_int64s"), c.integer("default_int64", -1)))));
  if (c.has_attribute("values_floats"))
    return c.out(HostTensor(Tensor::of<float>(
        sizes,
        looked_up(c.reals("values_floats"), static_cast<float>(c.real("default_float", -0.0))))));
  const AttributeDef* values = c.node.find("values_tensor");
  require(values != nullptr, "it has no values");
  const AttributeDef* otherwise = c.node.find("default_tensor");
  if (values->tensor.is_string()) {
    const std::string missing = otherwise != nullptr && otherwise->tensor.is_string()
                                    ? otherwise->tensor.strings->at(0)
                                    : "_Unused";
    return c.out(HostTensor(sizes, looked_up(*values->tensor.strings, missing)));
  }
  const double missing = otherwise != nullptr ? otherwise->tensor.tensor.get(0) : -1;
  const std::vector<double> found = looked_up(reals(values->tensor), missing);
  c.out(HostTensor(values->tensor.element,
                   Tensor::of<double>(sizes, found).cast(values->tensor.tensor.dtype())));
}

constexpr OpRow kTextRows[] = {
    {.op = "StringConcat", .importer = concat, .host = true},
    {.op = "StringSplit", .importer = split, .host = true},
    {.op = "RegexFullMatch", .importer = regex_full_match, .host = true},
    {.op = "StringNormalizer", .importer = string_normalizer, .host = true},
    {.op = "TfIdfVectorizer", .importer = tf_idf, .host = true},
    {.op = "LabelEncoder", .importer = label_encoder, .domain = kMl, .host = true},
};

}  // namespace

std::span<const OpRow> text_ops() {
  return kTextRows;
}

}  // namespace brisk::onnx
