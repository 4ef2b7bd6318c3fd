#include "cli/itm_options.hpp"

#include <limits>

#include "cli/options.hpp"

namespace itm::cli {

void add_itm_options(CLI::App& app, ItmOptions& options) {
  const std::string group = "Options of ITM";
  constexpr std::size_t any_size = std::numeric_limits<std::size_t>::max();
  constexpr double any = std::numeric_limits<double>::max();

  add_number<std::size_t>(app, "--batch-size", options.batch_size, 1, any_size, "Rows per batch")->group(group);
  add_number<std::size_t>(app, "--iterations", options.iterations, 1, 100'000, "Updates per model")->group(group);
  add_number<std::size_t>(app, "--validate-every", options.validate_every, 1, any_size, "Updates between checkpoints")
      ->group(group);
  add_number<std::size_t>(app, "--steps", options.steps, 1, 10'000, "Evolution steps n of eq. 7")->group(group);
  add_number(app, "--eta", options.eta, 0.0, 1.0, "Base rate eta_b of eq. 12")->group(group);
  add_choice<bool>(app, "--adaptive", options.adaptive, {{"on", true}, {"off", false}},
                   "Adapt eta to each model's dispersion; off: all get --eta")
      ->group(group);
  add_positive(app, "--dispersion-base", options.dispersion_base, "Fixed dis_b; default: mean over the models ranked")
      ->group(group);
  add_choice<bool>(app, "--dispersion-scale", options.dispersion_per_sqrt_dim, {{"none", false}, {"sqrt-dim", true}},
                   "Compare dis, or dis / sqrt(D) where widths differ")
      ->group(group);
  add_number(app, "--pull-weight", options.pull_weight, 0.0, any, "Weight of an explicit MSE(Theta, Y) term")
      ->group(group);
  add_choice<Standardise>(app, "--standardise", options.standardise,
                          {{"none", Standardise::none}, {"dim", Standardise::dim}, {"global", Standardise::global}},
                          "Scaling of features")
      ->group(group);
  add_choice<CentreKind>(app, "--centres", options.centres,
                         {{"onehot", CentreKind::onehot},
                          {"random", CentreKind::random},
                          {"pca", CentreKind::pca},
                          {"laplacian", CentreKind::laplacian}},
                         "Pseudo-cluster centres")
      ->group(group);
  add_choice<Recurrence>(
      app, "--recurrence", options.recurrence,
      {{"auto", Recurrence::automatic}, {"gram", Recurrence::gram}, {"factored", Recurrence::factored}},
      "How eq. 7 is evaluated; the result is the same")
      ->group(group);
  add_choice<ValidationTargets>(app, "--validation-targets", options.validation_targets,
                                {{"labels", ValidationTargets::labels}, {"predicted", ValidationTargets::predicted}},
                                "Targets on held-out rows")
      ->group(group);
  add_choice<Precision>(app, "--precision", options.precision,
                        {{"float32", Precision::float32}, {"float64", Precision::float64}, {"tf32", Precision::tf32}},
                        "Arithmetic")
      ->group(group);
  add_positive(app, "--learning-rate", options.learning_rate, "AdamW's rate at step 0")
      ->group(group)
      ->default_str("0.005");
  add_number(app, "--weight-decay", options.weight_decay, 0.0, any, "AdamW's decay")->group(group);
}

}  // namespace itm::cli
