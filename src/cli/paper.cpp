// `itm paper`: the paper's Tables 1, 3 and 4, alone or with one's own results beside them.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>

#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "core/text.hpp"
#include "report/agreement_json.hpp"
#include "report/csv_field.hpp"
#include "report/paper/beside.hpp"
#include "report/paper/tables.hpp"
#include "report/text_table.hpp"

namespace itm::cli {
namespace {

using Json = nlohmann::ordered_json;
using paper::Beside;
using paper::BesideRow;
using paper::Row;
using paper::Table;

struct PaperArguments {
  std::string table;  ///< empty: all
  std::filesystem::path beside;
};

// ---- The tables alone -----------------------------------------------------------------------------------------------

TextTable text_table(const Table& table, const std::vector<std::string>& last_columns) {
  std::vector<TextTable::Column> columns{{table.subject, TextTable::Align::left}};
  for (const std::string& dataset : table.datasets) {
    columns.push_back({dataset});
  }
  for (const std::string& column : last_columns) {
    columns.push_back({column});
  }
  return TextTable(columns);
}

/// A line that names the measure of those below it.
void add_heading(TextTable& text, const std::string& measure, std::size_t columns) {
  std::vector<std::string> cells(columns);
  cells.front() = std::string(paper::title_of(measure));
  text.add(std::move(cells), TextTable::Style::bold);
}

std::string as_table(const Table& table, Paint paint) {
  const std::vector<std::string> averages(table.has_averages() ? 1 : 0, "average");
  TextTable text = text_table(table, averages);
  for (const std::string& measure : table.measures()) {
    add_heading(text, measure, 1 + table.datasets.size() + averages.size());
    for (const Row& row : table.rows) {
      if (row.measure == measure) {
        std::vector<std::string> cells{"  " + row.name};
        cells.insert(cells.end(), row.cells.begin(), row.cells.end());
        cells.resize(cells.size() + averages.size(), row.average);
        text.add(std::move(cells));
      }
    }
  }
  return paint.bold(table.caption) + "\n" + text.text(paint);
}

Json as_json(const Table& table) {
  Json rows = Json::array();
  for (const Row& row : table.rows) {
    Json json{{"measure", row.measure}, {table.subject, row.name}, {"values", row.values()}};
    if (!row.average.empty()) {
      json["average"] = paper::value_of(row.average);
    }
    rows.push_back(std::move(json));
  }
  return {{"table", table.name}, {"caption", table.caption}, {"datasets", table.datasets}, {"rows", std::move(rows)}};
}

/// Table 3 has the columns of a truth file, and nothing else.
std::string as_csv(const Table& table) {
  const bool methods = table.has_averages();
  std::string csv = fmt::format("{}{},{}{}\n", methods ? "measure," : "", table.subject, fmt::join(table.datasets, ","),
                                methods ? ",average" : "");
  for (const Row& row : table.rows) {
    csv += fmt::format("{}{},{}{}\n", methods ? row.measure + "," : "", csv_field(row.name), fmt::join(row.cells, ","),
                       methods ? "," + row.average : "");
  }
  return csv;
}

std::string alone(const std::vector<Table>& tables, const Context& context) {
  std::string text;
  switch (context.format()) {
    case Format::json: {
      Json json{{"schema", "itm.paper/1"}, {"tables", Json::array()}};
      std::transform(tables.begin(), tables.end(), std::back_inserter(json["tables"]),
                     [](const Table& table) { return as_json(table); });
      return dump(json);
    }
    case Format::csv:
      if (tables.size() > 1) {
        throw InputError("--format csv holds one table; name table1, table3 or table4");
      }
      return as_csv(tables.front());
    case Format::table:
      for (const Table& table : tables) {
        text += (text.empty() ? "" : "\n") + as_table(table, context.paint());
      }
      break;
  }
  return text;
}

// ---- With own results -----------------------------------------------------------------------------------------------

const char* source_of(const BesideRow& row) { return row.own ? "yours" : "paper"; }

std::string as_table(const Table& table, const Beside& beside, Paint paint) {
  TextTable text = text_table(table, {"average", "shared"});
  const auto cell = [](std::optional<double> value) {
    return value ? fmt::format("{:.2f}", *value) : std::string("-");
  };
  std::string measure;
  for (const BesideRow& row : beside.rows) {
    if (row.measure != measure) {
      measure = row.measure;
      add_heading(text, measure, table.datasets.size() + 3);
    }
    std::vector<std::string> cells{fmt::format("  {}, {}", row.method, source_of(row))};
    std::transform(row.values.begin(), row.values.end(), std::back_inserter(cells), cell);
    cells.push_back(cell(row.average));
    cells.push_back(cell(row.shared_average));
    text.add(std::move(cells), row.own ? TextTable::Style::good : TextTable::Style::plain);
  }
  return paint.bold(table.caption) + "\n" + text.text(paint) +
         "shared: average over the data sets that both have; your seconds are those of all models of a data set\n";
}

Json values_json(const std::vector<std::optional<double>>& values) {
  Json json = Json::array();
  for (const auto& value : values) {
    json.push_back(value ? Json(*value) : Json(nullptr));
  }
  return json;
}

std::string as_json(const Table& table, const Beside& beside) {
  Json rows = Json::array();
  for (const BesideRow& row : beside.rows) {
    const Json averages = values_json({row.average, row.shared_average});
    rows.push_back({{"measure", row.measure},
                    {"method", row.method},
                    {"source", source_of(row)},
                    {"values", values_json(row.values)},
                    {"average", averages[0]},
                    {"shared_average", averages[1]}});
  }
  return dump({{"schema", "itm.paper/1"},
               {"table", table.name},
               {"caption", table.caption},
               {"datasets", table.datasets},
               {"rows", std::move(rows)},
               {"unused_datasets", beside.unused}});
}

std::string as_csv(const Table& table, const Beside& beside, CsvText text) {
  std::string csv = fmt::format("measure,method,source,{},average,shared_average\n", fmt::join(table.datasets, ","));
  for (const BesideRow& row : beside.rows) {
    std::vector<std::string> cells;
    std::transform(row.values.begin(), row.values.end(), std::back_inserter(cells), csv_number);
    csv += fmt::format("{},{},{},{},{},{}\n", row.measure, csv_field(row.method, text), source_of(row),
                       fmt::join(cells, ","), csv_number(row.average), csv_number(row.shared_average));
  }
  return csv;
}

std::string with_own(const PaperArguments& o, const Context& context) {
  if (o.table.empty() || !paper::table(o.table).has_averages()) {
    throw InputError("--beside goes with a table of methods; name table1 or table4");
  }
  const Table& table = paper::table(o.table);
  const Beside beside = paper::set_beside(table, read_scores_file(o.beside));
  if (!beside.unused.empty()) {
    spdlog::warn("{}: the paper has no data set {}", path_text(o.beside),
                 printable(fmt::format("{}", fmt::join(beside.unused, ", ")), 200));
  }
  return context.in_format([&] { return as_json(table, beside); },
                           [&] { return as_csv(table, beside, context.csv_text()); },
                           [&] { return as_table(table, beside, context.paint()); });
}

ExitStatus show(const PaperArguments& o, const Context& context) {
  context.reads("the file of --beside", o.beside);
  context.write(!o.beside.empty() ? with_own(o, context)
                : o.table.empty() ? alone(paper::tables(), context)
                                  : alone({paper::table(o.table)}, context));
  return ExitStatus::success;
}

}  // namespace

Command paper_command() {
  return {"paper", "Show the paper's tables, and your results beside them",
          [](CLI::App& app, Context& context) -> Action {
            auto o = std::make_shared<PaperArguments>();
            std::vector<std::pair<std::string, std::string>> choices;
            for (const Table& table : paper::tables()) {
              choices.emplace_back(table.name, table.name);
            }
            add_choice<std::string>(app, "table", o->table, choices, "Which; default: all");
            app.add_option("--beside", o->beside, "What itm rank --truth ... --format json wrote; table1 and table4")
                ->type_name("FILE");
            app.footer(
                "Examples:\n"
                "  itm paper table1\n"
                "  itm paper table1 --beside ranking.json\n"
                "  itm paper table3 --format csv --out truth.csv\n"
                "\n"
                "Data sets and methods are matched whatever their case and punctuation: cifar-100 is CIFAR100.");
            return [o, &context] { return show(*o, context); };
          }};
}

}  // namespace itm::cli
