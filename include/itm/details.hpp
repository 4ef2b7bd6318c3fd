#pragma once
// What a method tells about a score beside the number: typed values by name, in the order in which they were added.
// Reports turn them into JSON, tables and plots; methods never see text.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace itm {

struct Detail;
class DetailValue;

/// An ordered set of named values.
class Details {
 public:
  // Defined where Detail is complete.
  /// Copies are deep.
  ///@{
  Details();
  Details(const Details& other);
  Details(Details&& other) noexcept;
  Details& operator=(const Details& other);
  Details& operator=(Details&& other) noexcept;
  ~Details();
  ///@}
  /// In this order.
  Details(std::initializer_list<Detail> entries);

  /// The value of this name; a new one (false) at the end where there is none.
  DetailValue& operator[](std::string_view name);
  /// Null where there is none.
  [[nodiscard]] const DetailValue* find(std::string_view name) const;
  /// A finite or infinite number, whole or not; nothing where there is none of that name or it is no number.
  [[nodiscard]] std::optional<double> number(std::string_view name) const;

  /// Whether there are none.
  [[nodiscard]] bool empty() const;
  /// How many there are.
  [[nodiscard]] std::size_t size() const;
  /// Of the entries, in their order.
  ///@{
  [[nodiscard]] std::vector<Detail>::const_iterator begin() const;
  [[nodiscard]] std::vector<Detail>::const_iterator end() const;
  ///@}
  /// The same names and values in the same order.
  friend bool operator==(const Details& a, const Details& b);

 private:
  std::vector<Detail> entries_;
};

/// A truth value, a whole number, a number, a text, a list of numbers, a group of values, or a list of groups (such as
/// the points of a curve). A number that is not finite is "unknown" to every report.
class DetailValue {
 public:
  using Numbers = std::vector<double>;  ///< a curve, a spectrum
  using Groups = std::vector<Details>;  ///< a table
  using Value = std::variant<bool, std::int64_t, double, std::string, Numbers, Details, Groups>;  ///< one of the kinds

  DetailValue() : value_(false) {}
  // NOLINTBEGIN(google-explicit-constructor): a value is whatever it is made from
  /// Of the kind that fits it: truth value, whole number or number.
  template <typename T>
  requires std::is_arithmetic_v<T> DetailValue(T value) : value_(from(value)) {}
  /// The same kind.
  ///@{
  DetailValue(std::string value) : value_(std::move(value)) {}
  DetailValue(std::string_view value) : value_(std::string(value)) {}
  DetailValue(const char* value) : value_(std::string(value)) {}
  DetailValue(Details value) : value_(std::move(value)) {}
  DetailValue(Groups value) : value_(std::move(value)) {}
  ///@}
  /// A list of numbers.
  template <typename T>
  requires std::is_arithmetic_v<T> DetailValue(const std::vector<T>& values)
      : value_(Numbers(values.begin(), values.end())) {}
  // NOLINTEND(google-explicit-constructor)

  /// The value where it is of this kind, else null.
  template <typename T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&value_);
  }
  /// A whole number or a number as a number; nothing for other kinds.
  [[nodiscard]] std::optional<double> number() const {
    if (const auto* whole = as<std::int64_t>()) {
      return static_cast<double>(*whole);
    }
    const auto* real = as<double>();
    return real == nullptr ? std::nullopt : std::optional(*real);
  }
  /// One value rather than a list or a group.
  [[nodiscard]] bool is_scalar() const { return value_.index() < 4; }
  /// Whatever it is.
  [[nodiscard]] const Value& value() const { return value_; }
  /// The same kind and value.
  friend bool operator==(const DetailValue& a, const DetailValue& b) { return a.value_ == b.value_; }

 private:
  template <typename T>
  static Value from(T value) {
    if constexpr (std::is_same_v<T, bool>) {
      return value;
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<std::int64_t>(value);
    } else {
      return static_cast<double>(value);
    }
  }

  Value value_;
};

/// A value with its name.
struct Detail {
  std::string name;   ///< as it stands in JSON
  DetailValue value;  ///< what the method adds
  /// The same name and value.
  friend bool operator==(const Detail& a, const Detail& b) { return a.name == b.name && a.value == b.value; }
};

inline Details::Details() = default;
inline Details::Details(const Details& other) = default;
inline Details::Details(Details&& other) noexcept = default;
inline Details& Details::operator=(const Details& other) = default;
inline Details& Details::operator=(Details&& other) noexcept = default;
inline Details::~Details() = default;
inline Details::Details(std::initializer_list<Detail> entries) : entries_(entries) {}
inline bool Details::empty() const { return entries_.empty(); }
inline std::size_t Details::size() const { return entries_.size(); }
inline std::vector<Detail>::const_iterator Details::begin() const { return entries_.begin(); }
inline std::vector<Detail>::const_iterator Details::end() const { return entries_.end(); }
/// The same names and values in the same order.
inline bool operator==(const Details& a, const Details& b) { return a.entries_ == b.entries_; }

inline DetailValue& Details::operator[](std::string_view name) {
  for (Detail& entry : entries_) {
    if (entry.name == name) {
      return entry.value;
    }
  }
  return entries_.emplace_back(Detail{std::string(name), {}}).value;
}

inline const DetailValue* Details::find(std::string_view name) const {
  for (const Detail& entry : entries_) {
    if (entry.name == name) {
      return &entry.value;
    }
  }
  return nullptr;
}

inline std::optional<double> Details::number(std::string_view name) const {
  const DetailValue* value = find(name);
  return value == nullptr ? std::nullopt : value->number();
}

}  // namespace itm
