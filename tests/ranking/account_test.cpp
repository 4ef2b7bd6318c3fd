#include "ranking/account.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using itm::Account;

double time_left(const Account& account, double passed) { return passed * account.left_of_passed(); }

TEST(Account, OfExpectationsThatHoldIsTheShareOfWhatIsDone) {
  Account account;
  const std::size_t quick = account.add(2);
  const std::size_t slow = account.add(6);
  account.finish(quick, 2, 2);
  EXPECT_DOUBLE_EQ(account.share(), 0.25);
  account.finish(slow, 3, 3);
  EXPECT_DOUBLE_EQ(account.share(), 0.625);
  EXPECT_DOUBLE_EQ(time_left(account, 5), 3);
  account.finish(slow, 3, 3);
  EXPECT_DOUBLE_EQ(account.share(), 1);
  EXPECT_EQ(account.left_of_passed(), 0);
}

TEST(Account, OfWorkThatNobodyTimedIsTheShareOfWhatWasExpected) {
  Account account;
  const std::size_t method = account.add(4);
  account.finish(method, 1);
  EXPECT_DOUBLE_EQ(account.share(), 0.25);
  EXPECT_DOUBLE_EQ(time_left(account, 7), 21);
}

TEST(Account, AProcessorOfAnotherSpeedChangesNothing) {
  for (const double speed : {0.2, 1.0, 5.0}) {
    Account account;
    const std::size_t first = account.add(5);
    const std::size_t second = account.add(5);
    account.finish(first, 5, 5 * speed);
    account.finish(second, 1, 1 * speed);
    EXPECT_GT(time_left(account, 6 * speed), 4 * speed / 1.4) << speed;
    EXPECT_LT(time_left(account, 6 * speed), 4 * speed * 1.4) << speed;
  }
}

// Two methods expect the same. The second takes four times that, or a quarter: from a tenth of its models on, the bar
// knows; by the share of the expected work it would be wrong by more than three.
TEST(Account, AMethodThatExpectedWronglyIsFoundOutByItsFirstModels) {
  for (const double wrong : {4.0, 0.25}) {
    Account account;
    const std::size_t honest = account.add(10);
    const std::size_t other = account.add(10);
    double passed = 0;
    for (int model = 0; model < 10; ++model) {
      account.finish(honest, 1, 1);
      passed += 1;
    }
    for (int model = 0; model < 9; ++model) {
      account.finish(other, 1, wrong);
      passed += wrong;
      const double left = (9 - model) * wrong;
      EXPECT_GT(time_left(account, passed), left / 2) << wrong << " after " << model + 1;
      EXPECT_LT(time_left(account, passed), left * 2) << wrong << " after " << model + 1;
    }
  }
}

TEST(Account, WorkThatIsSparedIsNotWaitedFor) {
  Account account;
  const std::size_t failing = account.add(9);
  const std::size_t method = account.add(1);
  account.spare(failing, 9);
  account.finish(method, 0.5, 0.5);
  EXPECT_DOUBLE_EQ(account.share(), 0.5);
  EXPECT_DOUBLE_EQ(time_left(account, 0.5), 0.5);
}

TEST(Account, OfNothingIsTheWhole) {
  EXPECT_EQ(Account().share(), 1);
  Account account;
  account.add(0);
  EXPECT_EQ(account.share(), 1);
  EXPECT_EQ(account.left_of_passed(), 0);
}

}  // namespace
