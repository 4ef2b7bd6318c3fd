#pragma once
// Features that stay on the device, and the bytes of it that are spoken for. A feature matrix is uploaded once and kept
// until its room is needed; what is in use stays, of the rest the longest unused goes first.

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/row_reader.hpp"
#include "io/half.hpp"
#include "itm/engine.hpp"
#include "itm/error.hpp"
#include "kernels/lane.cuh"

namespace itm::ITM_KERNELS {

/// What is known of a feature matrix without having it.
struct FeatureShape {
  std::string source;
  std::size_t rows = 0;
  std::size_t dims = 0;
  Stored stored = Stored::f32;
  const void* in_place = nullptr;  ///< on the device, where the caller keeps them; null: they have to be uploaded

  [[nodiscard]] std::size_t row_bytes() const {
    return dims * (stored == Stored::f16 ? 2U : stored == Stored::f32 ? 4U : 8U);
  }
  [[nodiscard]] std::size_t bytes() const { return rows * row_bytes(); }
  /// Bytes of the budget that they take.
  [[nodiscard]] std::size_t room() const { return in_place == nullptr ? bytes() : 0; }
};

/// "1.5 GiB", "12.0 MiB".
[[nodiscard]] inline std::string bytes_text(std::size_t bytes) {
  const bool large = bytes >= (std::size_t{1} << 30);
  const auto tenths = static_cast<std::size_t>(
      std::llround(static_cast<double>(bytes) * 10.0 / static_cast<double>(large ? 1U << 30 : 1U << 20)));
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + (large ? " GiB" : " MiB");
}

/// What a run leaves on the device for the next of its kind. It goes when its room is needed, at any time and from any
/// thread.
class KeptWork {
 public:
  KeptWork() = default;
  KeptWork(const KeptWork&) = delete;
  KeptWork& operator=(const KeptWork&) = delete;
  virtual ~KeptWork() = default;
};

class ResidentFeatures {
 public:
  ResidentFeatures(DeviceApi& api, std::size_t budget, bool half)
      : api_(api), most_(budget), budget_(budget), half_(half) {}

  /// Room on the device, with or without features, given back with the object.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept { *this = std::move(other); }
    Lease& operator=(Lease&& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(entry_, other.entry_);
      std::swap(extra_, other.extra_);
      std::swap(uploaded_, other.uploaded_);
      return *this;
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (owner_ != nullptr) {
        owner_->give_back(std::move(entry_), extra_);
      }
    }
    [[nodiscard]] std::size_t extra() const { return extra_; }
    /// Bytes that came to the device for it: 0 where the features were there.
    [[nodiscard]] std::size_t uploaded() const { return uploaded_; }
    [[nodiscard]] const void* data() const {
      return entry_->shape.in_place != nullptr ? entry_->shape.in_place : entry_->data.data();
    }
    [[nodiscard]] const FeatureShape& shape() const { return entry_->shape; }

   private:
    friend class ResidentFeatures;
    struct Entry {
      std::string key;
      FeatureShape shape;
      DeviceBuffer<std::byte> data;
    };
    ResidentFeatures* owner_ = nullptr;
    std::shared_ptr<Entry> entry_;
    std::size_t extra_ = 0;
    std::size_t uploaded_ = 0;
  };

  [[nodiscard]] std::size_t budget() const {
    const std::lock_guard lock(state_);
    return budget_;
  }

  /// Opens the features only where their key is new.
  [[nodiscard]] FeatureShape shape_of(const ItmFeatures& features) {
    {
      const std::lock_guard lock(state_);
      const auto known = shapes_.find(features.key);
      if (!features.key.empty() && known != shapes_.end()) {
        return known->second;
      }
    }
    return shape_of_array(features.open(), features.key);
  }

  /// Features that somebody is about to use, and bytes beside them.
  struct Request {
    const ItmFeatures* features;
    std::size_t extra;
  };

  /// All that is asked for. Waits for others to give back where that makes room; throws DeviceError where nothing
  /// would. One caller at a time waits, and who holds leases must not ask for more: so nobody waits for ever.
  [[nodiscard]] std::vector<Lease> acquire(std::span<const Request> requests) {
    const std::lock_guard admission(admission_);
    return acquire_all(requests, true);
  }

  /// The same, with what was kept under the key, which has its own room: no bytes beside the features then.
  struct Admission {
    std::vector<Lease> leases;
    std::shared_ptr<KeptWork> kept;  ///< null: there is none
    Lease room;                      ///< of what was kept
  };
  [[nodiscard]] Admission acquire(std::span<const Request> requests, const std::string& key) {
    const std::lock_guard admission(admission_);
    Admission admitted;
    admitted.kept = take_kept(key, admitted.room);
    admitted.leases = acquire_all(requests, !admitted.kept);
    return admitted;
  }

  /// Keeps `work` and its `bytes` of device memory, which leases hold as extra() and give up. Of work with the same key
  /// the newer stays.
  void keep(std::string key, std::shared_ptr<KeptWork> work, std::size_t bytes, std::span<Lease> holders) {
    std::list<Kept> gone;  // beyond the lock
    {
      const std::lock_guard lock(state_);
      std::size_t held = 0;
      for (Lease& lease : holders) {
        held += std::exchange(lease.extra_, 0);
      }
      bytes = std::min(bytes, held);
      used_ -= held - bytes;
      const auto same = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.key == key; });
      if (same != kept_.end()) {
        drop(same, gone);
      }
      kept_.push_back({std::move(key), bytes, std::move(work)});
      if (kept_.size() > most_kept) {
        drop(kept_.begin(), gone);
      }
    }
    given_back_.notify_all();
  }

  /// Whether anything was kept; it no longer is.
  bool let_go() {
    std::list<Kept> gone;
    const std::lock_guard lock(state_);
    while (!kept_.empty()) {
      drop(kept_.begin(), gone);
    }
    return !gone.empty();
  }

  /// Bytes for `what`, without features. Waits as acquire() does.
  [[nodiscard]] Lease reserve(std::size_t bytes, const std::string& what) {
    const std::lock_guard admission(admission_);
    make_room(bytes, what);
    Lease lease;
    lease.owner_ = this;
    lease.extra_ = bytes;
    return lease;
  }

  /// Up to `most` bytes, half of what nothing holds (not even idle features), without waiting.
  [[nodiscard]] Lease take_spare(std::size_t most) {
    const std::lock_guard lock(state_);
    Lease lease;
    lease.owner_ = this;
    lease.extra_ = std::min(most, (budget_ - used_) / 2);
    used_ += lease.extra_;
    return lease;
  }

  /// Uploads features that are not there yet where nothing has to make room for them and nobody waits for room: whoever
  /// calls this may be what the others wait for. Whatever goes wrong is left to acquire().
  void prefetch(const ItmFeatures& features) noexcept {
    try {
      const std::unique_lock admission(admission_, std::try_to_lock);
      if (!admission.owns_lock() || features.key.empty() || find(features.key) || shape_of(features).room() > spare()) {
        return;
      }
      (void)acquire_one(features, 0, false);
    } catch (...) {
    }
  }

  /// What may be held from now on: never more than at the start, and no more than what is here and nine tenths of the
  /// `free` bytes, which others on the device may have taken. Leaves the budget alone while anything is in use.
  void follow(std::size_t free) {
    const std::lock_guard lock(state_);
    std::size_t resident = 0;
    for (const auto& entry : entries_) {
      resident += entry->shape.room();
    }
    for (const Kept& kept : kept_) {
      resident += kept.bytes;
    }
    if (used_ == resident) {
      budget_ = std::min(most_, resident + free / 10 * 9);
    }
  }

  /// How the array is kept here; remembered under its key.
  [[nodiscard]] FeatureShape shape_of_array(const Array& array, const std::string& key) {
    FeatureShape shape{array.source().string(), array.rows(), array.cols(), Stored::f32};
    if (half_ || array.dtype() == DType::f16) {
      shape.stored = Stored::f16;
    } else if (reads_as_double(array)) {
      shape.stored = Stored::f64;
    }
    // Kernels load 16 bytes at a time; and what a key stands for may outlive the caller's array.
    const void* there = array.device_copy();
    if (there != nullptr && key.empty() && array.dtype() == type_of(shape.stored) &&
        reinterpret_cast<std::uintptr_t>(there) % 16 == 0 && api_.can_read(there)) {
      shape.in_place = there;
    }
    const std::lock_guard lock(state_);
    if (!key.empty()) {
      shapes_[key] = shape;
    }
    return shape;
  }

  /// Copies an array to `data` as its shape says.
  static void upload(DeviceApi& api, const Array& array, const FeatureShape& shape, std::byte* data) {
    const std::size_t row_bytes = shape.row_bytes();
    const bool as_is = array.is_native_row_major() && row_bytes == shape.dims * size_of(array.dtype()) &&
                       array.dtype() == type_of(shape.stored);
    api.fill(data, shape.bytes(), row_bytes, [&](std::byte* to, std::size_t offset, std::size_t count) {
      std::vector<float> floats(as_is || shape.stored == Stored::f64 ? 0 : shape.dims);
      std::vector<double> doubles(as_is || shape.stored != Stored::f64 ? 0 : shape.dims);
      for (std::size_t row = offset / row_bytes; count > 0; ++row, to += row_bytes, count -= row_bytes) {
        if (as_is) {
          std::memcpy(to, array.data() + static_cast<std::ptrdiff_t>(row) * array.row_stride(), row_bytes);
        } else if (shape.stored == Stored::f64) {
          array.read_row<double>(row, doubles);
          std::memcpy(to, doubles.data(), row_bytes);
        } else {
          array.read_row<float>(row, floats);
          if (shape.stored == Stored::f32) {
            std::memcpy(to, floats.data(), row_bytes);
          } else {
            for (std::size_t d = 0; d < shape.dims; ++d) {
              const std::uint16_t half = io::f16_from_float(floats[d]);
              std::memcpy(to + 2 * d, &half, sizeof half);
            }
          }
        }
      }
    });
  }

 private:
  static DType type_of(Stored stored) {
    return stored == Stored::f16 ? DType::f16 : stored == Stored::f32 ? DType::f32 : DType::f64;
  }

  struct Kept {
    std::string key;
    std::size_t bytes;
    std::shared_ptr<KeptWork> work;
  };
  static constexpr std::size_t most_kept = 8;

  /// The state is locked; the memory is free when `gone` is.
  void drop(std::list<Kept>::iterator kept, std::list<Kept>& gone) {
    used_ -= kept->bytes;
    gone.splice(gone.end(), kept_, kept);
  }
  [[nodiscard]] std::shared_ptr<KeptWork> take_kept(const std::string& key, Lease& room) {
    const std::lock_guard lock(state_);
    const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.key == key; });
    if (found == kept_.end()) {
      return nullptr;
    }
    room.owner_ = this;
    room.extra_ = found->bytes;
    std::shared_ptr<KeptWork> work = std::move(found->work);
    kept_.erase(found);
    return work;
  }

  [[nodiscard]] std::vector<Lease> acquire_all(std::span<const Request> requests, bool with_extra) {
    std::vector<Lease> leases;
    for (const Request& request : requests) {
      leases.push_back(acquire_one(*request.features, with_extra ? request.extra : 0));
    }
    return leases;
  }

  [[nodiscard]] std::size_t spare() {
    const std::lock_guard lock(state_);
    return budget_ - used_;
  }

  /// Without `may_wait`, room that is not there is a DeviceError.
  [[nodiscard]] Lease acquire_one(const ItmFeatures& features, std::size_t extra, bool may_wait = true) {
    Lease lease;
    lease.owner_ = this;
    if (std::shared_ptr<Lease::Entry> found = find(features.key)) {
      lease.entry_ = std::move(found);
      make_room(extra, lease.entry_->shape.source, may_wait);
      lease.extra_ = extra;
      return lease;
    }
    const Array array = features.open();
    auto entry = std::make_shared<Lease::Entry>();
    entry->key = features.key;
    entry->shape = shape_of_array(array, features.key);
    const std::size_t bytes = entry->shape.room();
    make_room(bytes + extra, entry->shape.source, may_wait);
    lease.extra_ = bytes + extra;  // so that a failed upload gives all of it back
    if (entry->shape.in_place == nullptr) {
      entry->data = DeviceBuffer<std::byte>(api_, bytes);
      upload(api_, array, entry->shape, entry->data.data());
    }
    lease.uploaded_ = bytes;
    lease.extra_ = extra;
    lease.entry_ = entry;
    const std::lock_guard lock(state_);
    if (!entry->key.empty()) {
      entries_.push_back(std::move(entry));
    }
    return lease;
  }

  std::shared_ptr<Lease::Entry> find(const std::string& key) {
    const std::lock_guard lock(state_);
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry->key == key; });
    if (key.empty() || found == entries_.end()) {
      return nullptr;
    }
    entries_.splice(entries_.end(), entries_, found);  // the list is in order of last use
    return entries_.back();
  }

  void make_room(std::size_t bytes, const std::string& what, bool may_wait = true) {
    std::unique_lock lock(state_);
    if (bytes > (may_wait ? budget_ : budget_ - used_)) {
      throw DeviceError(what + ": needs " + bytes_text(bytes) + " of device memory and may use " + bytes_text(budget_) +
                        "; raise --memory-budget, lower --batch-size or pass --backend cpu");
    }
    std::list<Kept> gone;
    while (budget_ - used_ < bytes) {
      if (!kept_.empty()) {  // made again sooner than features are uploaded
        drop(kept_.begin(), gone);
        gone.clear();
        continue;
      }
      const auto idle =
          std::find_if(entries_.begin(), entries_.end(), [](const auto& entry) { return entry.use_count() == 1; });
      if (idle != entries_.end()) {
        used_ -= (*idle)->shape.room();
        entries_.erase(idle);
      } else {
        given_back_.wait(lock);
      }
    }
    used_ += bytes;
  }

  void give_back(std::shared_ptr<Lease::Entry> entry, std::size_t extra) {
    {
      const std::lock_guard lock(state_);
      used_ -= extra + (entry && entry->key.empty() ? entry->shape.room() : 0);
      entry.reset();
    }
    given_back_.notify_all();
  }

  DeviceApi& api_;
  std::size_t most_;
  std::size_t budget_;
  bool half_;
  std::mutex admission_;
  mutable std::mutex state_;
  std::condition_variable given_back_;
  std::list<std::shared_ptr<Lease::Entry>> entries_;
  std::list<Kept> kept_;                        // the longest unused first
  std::map<std::string, FeatureShape> shapes_;  // by key
  std::size_t used_ = 0;
};

}  // namespace itm::ITM_KERNELS
