#!/usr/bin/env bash
# What a browser makes of the HTML reports: renders rankings of the bundled zoo, of 1,000 made models and of models with
# hostile names, a sweep, an ablation, and the maps of an evolution, in headless Chromium, and checks what it shows and prints, and that it complains about nothing.
# Needs chromium and pdftotext (scripts/setup.sh --browser). Leaves pages and pictures in build/browser.
# The last line says how many checks passed and failed.
set -euo pipefail
. "$(dirname "$0")/common.sh"
trap summary EXIT

. scripts/chromium.sh
command -v pdftotext >/dev/null || die "no pdftotext; scripts/setup.sh --browser installs it"

pages=$root/build/browser
rm -rf "$pages"
mkdir -p "$pages"
chromium_profile=$pages/profile

# expect WHAT FOUND WANTED
expect() {
  if [[ $2 == "$3" ]]; then
    passed=$((passed + 1))
    printf 'ok      %s\n' "$1"
  else
    failed=$((failed + 1))
    printf 'FAILED  %s\n  found:  %s\n  wanted: %s\n' "$1" "$2" "$3"
  fi
}

# visit PAGE OPTION...: everything the browser says goes to PAGE.log
visit() { chromium_log=$pages/$1.log browse "${@:2}"; }

# show PAGE FRAGMENT: the page as it stands after its script, without the script
show() { visit "$1" --dump-dom "file://$pages/$1.html#$2" | sed '/<template/q' >"$pages/$1.dom"; }

# with_script PAGE COPY SCRIPT: a copy of a page that does something to itself
with_script() { sed "s#</body>#<script>$3</script></body>#" "$pages/$1.html" >"$pages/$2.html"; }

# print PAGE: what it looks like on paper, as PDF and as text
print() {
  visit "$1" --no-pdf-header-footer "--print-to-pdf=$pages/$1.pdf" "file://$pages/$1.html"
  pdftotext -layout "$pages/$1.pdf" "$pages/$1.txt"
}

# table PAGE ID: the markup of one table, a row a line
table() {
  tr -d '\n' <"$pages/$1.dom" | sed 's/<div class="table"/\n&/g' | grep "^<div class=\"table\" id=\"$2\"" |
    sed 's/<\/table>.*//; s/<tr/\n<tr/g'
}

# visible PAGE ID: the models that a table shows, in its order, on one line
visible() { table "$1" "$2" | grep -v '<tr[^>]* hidden' | sed -n 's/.*<th scope="row">\([^<]*\)<.*/\1/p' | paste -sd ' '; }

# best_by COLUMN FILE: the models of a CSV by that column, largest first
best_by() { tail -n +2 "$2" | sort -t, -k"$1,$1" -gr | cut -d, -f1 | paste -sd ' '; }

count() { grep -o -- "$2" "$pages/$1.dom" | wc -l; }
quiet_console() { expect "$1: the browser reports no error" "$(grep -c CONSOLE "$pages/$1.log" || true)" 0; }

say "Making the reports"
configure release
quietly build/browser/build.log build release itm_cli
itm=build/release/bin/itm
truth=examples/glyphs/ground_truth.csv
"$itm" rank examples/glyphs --truth "$truth" --bootstrap 200 --repeats 2 --html "$pages/glyphs.html" >/dev/null
"$itm" synth "$pages/zoo" --models 1000 --rows 60 --dims 4:12 --classes 3 >/dev/null
"$itm" rank "$pages/zoo" --truth "$pages/zoo/ground_truth.csv" --html "$pages/thousand.html" >/dev/null
"$itm" synth "$pages/tasks" --models 4 --datasets 8 --rows 60 --dims 8 --classes 3 >/dev/null
"$itm" rank "$pages/tasks" --truth "$pages/tasks/ground_truth.csv" --html "$pages/tasks.html" >/dev/null
"$itm" evolve --feature "$pages/tasks/net0_task1_feature.npy" --label "$pages/tasks/net0_task1_label.npy" --at 0,50 --perplexity 10 \
  --out-dir "$pages/evolved" >/dev/null
cp "$pages/evolved/evolution.html" "$pages/evolution.html"
cat >"$pages/sweep.json" <<'SPEC'
{"schema": "itm.sweep/1", "zoo": "tasks", "truth": "tasks/ground_truth.csv", "datasets": ["task1", "task2"], "methods": ["itm", "logme", "hscore"],
 "settings": {"iterations": [20, 40, 60], "centres": ["onehot", "random"], "seed": [0, 1, 2]}}
SPEC
"$itm" sweep "$pages/sweep.json" --html "$pages/sweep.html" --out "$pages/sweep.csv" >/dev/null
"$itm" ablate steps "$pages/tasks" --truth "$pages/tasks/ground_truth.csv" --dataset task1,task2 --iterations 20 --seeds 2 \
  --html "$pages/ablation.html" --out "$pages/ablation.json" >/dev/null
hostile='<img src=x onerror=console.error(1)>'
mkdir "$pages/hostile"
for part in feature label; do
  for model in net001 net002; do cp "$pages/zoo/${model}_task1_$part.npy" "$pages/hostile/"; done
  cp "$pages/zoo/net003_task1_$part.npy" "$pages/hostile/${hostile}_task1_$part.npy"
done
"$itm" rank "$pages/hostile" --html "$pages/hostile.html" >/dev/null

say "The bundled zoo"
show glyphs ''
expect "glyphs: twelve rows" "$(visible glyphs r1 | wc -w)" 12
expect "glyphs: best first" "$(visible glyphs r1)" \
  "$("$itm" rank examples/glyphs --dataset greek --repeats 2 --format csv | tail -n +2 | cut -d, -f4 | paste -sd ' ')"
expect "glyphs: a comparison of data sets" "$(visible glyphs comparison)" itm
expect "glyphs: headings can be clicked" "$(table glyphs r1 | head -n 2 | grep -o '<button type="button">[a-z]*' | cut -d'>' -f2 | paste -sd ' ')" \
  "rank model score error same truth eta dis seconds"
expect "glyphs: every figure is drawn" "$(count glyphs 'class="drawing" role="img" viewBox')" "$(count glyphs '<figure')"
expect "glyphs: of every kind" "$(count glyphs 'data-drawn="lines"') $(count glyphs 'data-drawn="scatter"') $(count glyphs 'data-drawn="dots"') $(count glyphs 'data-drawn="box"')" "2 4 4 2"
truth_plots() { tr -d '\n' <"$pages/glyphs.dom" | sed 's/<figure/\n&/g' | grep 'id="r[12]-truth"' | grep -o "$1" | wc -l; }
expect "glyphs: truth against score has error bars and a line" "$(truth_plots 'class="bar"') $(truth_plots 'class="fit"')" "24 2"
expect "glyphs: two seeds make no box" "$(tr -d '\n' <"$pages/glyphs.dom" | sed 's/<figure/\n&/g' | grep 'data-drawn="box"' | grep -o 'class="box"' | wc -l)" 0
expect "glyphs: nothing is NaN" "$(count glyphs 'NaN\|Infinity\|undefined')" 0
show glyphs 'sort=truth'
expect "glyphs: an address sorts by truth" "$(visible glyphs r1)" "$(best_by 2 "$truth")"
expect "glyphs: and says so" "$(table glyphs r1 | grep -o 'data-sorted="[^"]*"')" 'data-sorted="truth descending"'
expect "glyphs: on every table" "$(visible glyphs r2)" "$(best_by 3 "$truth")"
show glyphs 'sort=model&order=descending&table=r1'
expect "glyphs: an address sorts one table" "$(visible glyphs r1)" "$(tail -n +2 "$truth" | cut -d, -f1 | sort -r | paste -sd ' ')"
expect "glyphs: and leaves the others" "$(table glyphs r2 | grep -o 'data-sorted="[^"]*"')" 'data-sorted="rank ascending"'
visit glyphs --window-size=1240,2400 "--screenshot=$pages/glyphs-light.png" "file://$pages/glyphs.html"
visit glyphs --window-size=1240,2400 --blink-settings=preferredColorScheme=0 "--screenshot=$pages/glyphs-dark.png" "file://$pages/glyphs.html"
print glyphs
expect "glyphs: plots are printed" "$(grep -o 'Feature mean and variance' "$pages/glyphs.txt" | wc -l)" 2
expect "glyphs: controls are not" "$(grep -c 'Best again' "$pages/glyphs.txt" || true)" 0
quiet_console glyphs

say "A thousand models"
expect "thousand: below 1.5 MB" "$(($(stat -c %s "$pages/thousand.html") < 1500000))" 1
show thousand 'sort=truth'
expect "thousand: the first page" "$(visible thousand r1)" "$(best_by 2 "$pages/zoo/ground_truth.csv" | cut -d' ' -f1-25)"
expect "thousand: the rest is there" "$(table thousand r1 | grep -c '<th scope="row">')" 1000
expect "thousand: and counted" "$(count thousand '1 to 25 of 1,000')" 2
expect "thousand: ten curves at first" "$(count thousand 'aria-label="Remove ')" 10
expect "thousand: a mark a model" "$(tr -d '\n' <"$pages/thousand.dom" | sed 's/<figure/\n&/g' | grep 'id="r1-truth"' | grep -o 'class="mark"' | wc -l)" 1000
show thousand 'filter=net39&table=r1'
expect "thousand: an address filters" "$(visible thousand r1 | tr ' ' '\n' | sort | paste -sd ' ')" \
  "$(tail -n +2 "$pages/zoo/ground_truth.csv" | cut -d, -f1 | grep net39 | sort | paste -sd ' ')"
visit thousand --window-size=1240,2400 "--screenshot=$pages/thousand-light.png" "file://$pages/thousand.html"
print thousand
expect "thousand: paper has every row" "$(grep -oE '\bnet[0-9]+ ' "$pages/thousand.txt" | sort -u | wc -l)" 1000
quiet_console thousand

say "Hands on"
click() { printf 'document.querySelector("%s").click();' "$1"; }
with_script glyphs clicked "$(click '\#r1 th:nth-child(6) button')$(click '\#r1 th:nth-child(6) button')$(click '\#r1-curve .legend button')"
show clicked ''
expect "clicked: a heading sorts, again turns" "$(visible clicked r1 | tr ' ' '\n' | tac | paste -sd ' ')" "$(best_by 2 "$truth")"
expect "clicked: and says so" "$(table clicked r1 | grep -o 'aria-sort="[^"]*"')" 'aria-sort="ascending"'
expect "clicked: a curve is removed" "$(count clicked 'aria-label="Remove sup_resnet_l"')" 1  # that of the other data set
with_script thousand turned "$(click '.controls button:nth-of-type(2)')"
show turned ''
expect "turned: the second page" "$(table turned r1 | grep -v '<tr[^>]* hidden' | grep -o '<td>2[67]</td>' | paste -sd ' ')" "<td>26</td> <td>27</td>"
sed 's/"kind":"lines"/"kind":"later"/; s/\("id":"r1-dis","data":{\)"names"/\1"other"/' "$pages/glyphs.html" >"$pages/odd.html"
show odd 'sort=truth'
expect "odd: a section of another kind or shape leaves the rest alone" "$(visible odd r1) $(count odd 'class="drawing" role="img" viewBox')" "$(best_by 2 "$truth") 10"
for page in clicked turned; do quiet_console "$page"; done

say "More figures than are drawn at once"
show tasks ''
expect "tasks: a comparison over eight data sets" "$(table tasks comparison | head -n 2 | grep -o '<button' | wc -l)" 10
print tasks
expect "tasks: paper waits for all figures" "$(grep -o 'Truth against score' "$pages/tasks.txt" | wc -l) $(grep -o 'fine-tuning (%)\|itm score (%)' "$pages/tasks.txt" | wc -l)" "8 16"
quiet_console tasks

say "A sweep"
show sweep ''
expect "sweep: a row a combination, the best first" "$(visible sweep summary | wc -w) $(table sweep summary | grep -o 'data-sorted="[^"]*"')" \
  '20 data-sorted="mean descending"'  # six of two settings, and two methods of one word
expect "sweep: every figure is drawn" "$(count sweep 'class="drawing" role="img" viewBox')" "$(count sweep '<figure')"
expect "sweep: of every kind" "$(for kind in lines scatter dots box; do count sweep "data-drawn=\"$kind\""; done | paste -sd ' ')" "1 1 2 2"
expect "sweep: every unit" "$(table sweep units | grep -c '<th scope="row">')" "$(tail -n +2 "$pages/sweep.csv" | cut -d, -f1 | sort -u | wc -l)"
expect "sweep: nothing is NaN" "$(count sweep 'NaN\|Infinity\|undefined')" 0
show sweep 'sort=truth&table=models-1'
expect "sweep: an address sorts the models" "$(visible sweep models-1)" "$(best_by 2 "$pages/tasks/ground_truth.csv")"
visit sweep --window-size=1240,2400 "--screenshot=$pages/sweep-light.png" "file://$pages/sweep.html"
print sweep
expect "sweep: plots are printed" "$(grep -o 'Ranks over the units' "$pages/sweep.txt" | wc -l)" 2
quiet_console sweep

say "An ablation"
show ablation ''
expect "ablation: a row a setting" "$(visible ablation ablation)" "steps=1 steps=2 steps=4 steps=8 steps=16"
expect "ablation: every figure is drawn" "$(count ablation 'class="drawing" role="img" viewBox') $(count ablation 'data-drawn="lines"') $(count ablation 'data-drawn="box"')" \
  "$(count ablation '<figure') 2 1"
expect "ablation: settings that double stand evenly" \
  "$(tr -d '\n' <"$pages/ablation.dom" | sed 's/<figure/\n&/g' | grep 'id="by-row"' | grep -o '"middle">[0-9]*</text>' | grep -o '[0-9]*' | paste -sd ' ')" "1 2 4 8 16"
expect "ablation: nothing is NaN" "$(count ablation 'NaN\|Infinity\|undefined')" 0
quiet_console ablation

say "The maps of an evolution"
show evolution ''
expect "evolution: a map an iteration" "$(count evolution 'data-drawn="scatter"')" 2
expect "evolution: a mark a row, and one a class in the legend" "$(count evolution 'class="mark"')" 126
expect "evolution: classes have their names" "$(count evolution 'row [0-9]*, class 2$') $(count evolution 'class 2</li>')" "40 2"
quiet_console evolution

say "Hostile names"
show hostile ''
expect "hostile: a name is text" "$(table hostile r1 | grep -c '&lt;img src=x onerror=console.error(1)&gt;</th>')" 1
expect "hostile: and nothing else" "$(count hostile '<img')" 0
quiet_console hostile

rm -rf "$pages/profile"
