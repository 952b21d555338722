#pragma once

/// Errors. Two kinds: the caller's fault (`UserError`) and ours (`InternalError`).
/// Graph building and configuration throw; load, parse and serve paths return `Result<T>`.

#include <fmt/format.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace brisk {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller's fault: a wrong shape, an unknown name, a corrupt file. The message says what was
/// wrong, where, and what to do.
class UserError : public Error {
 public:
  using Error::Error;
};

/// Our fault: an invariant of brisk did not hold. The message asks for a report.
class InternalError : public Error {
 public:
  using Error::Error;
};

[[noreturn]] void throw_user_error(fmt::string_view format, fmt::format_args arguments);
[[noreturn]] void throw_internal_error(fmt::string_view format, fmt::format_args arguments);

/// Throws UserError with the formatted message unless `condition` holds.
template <typename... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) [[unlikely]] throw_user_error(format, fmt::make_format_args(args...));
}

/// Throws InternalError with the formatted message unless `condition` holds.
template <typename... Args>
void invariant(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) [[unlikely]] throw_internal_error(format, fmt::make_format_args(args...));
}

/// Throws UserError always; for the end of a chain of cases.
template <typename... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  throw_user_error(format, fmt::make_format_args(args...));
}

/// Why a `Result` holds no value.
struct Failure {
  std::string message;
};

template <typename... Args>
Failure fail(fmt::format_string<Args...> format, Args&&... args) {
  return Failure{fmt::format(format, std::forward<Args>(args)...)};
}

/// A value, or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Failure failure) : state_(std::move(failure)) {}

  bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }

  /// The reason; only when !ok().
  const std::string& error() const { return std::get<Failure>(state_).message; }
  Failure failure() const { return std::get<Failure>(state_); }

  /// The value; throws UserError with the reason when there is none.
  T& value() & { return check(), std::get<T>(state_); }
  const T& value() const& { return check(), std::get<T>(state_); }
  T&& value() && { return check(), std::get<T>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  void check() const { require(ok(), "{}", ok() ? std::string() : error()); }
  std::variant<T, Failure> state_;
};

/// A `Result` without a value: success, or the reason of failure.
struct Success {};
using Status = Result<Success>;

}  // namespace brisk
