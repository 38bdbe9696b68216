// A classifier's answer: its five best classes.

const SHOWN = 5;

/**
 * Shows an answer.
 *
 * @param answers the network's outputs, of which a classifier has one.
 * @param settings output is "probabilities" or "scores".
 * @param labels names of the classes, or null.
 * @param list the element to show it in.
 */
export function showClasses([answer], settings, labels, list) {
  if (labels && labels.length !== answer.length) {
    throw new Error(`The network knows ${answer.length} classes, but ` +
      `${settings.labels} has ${labels.length} lines. Export it again.`);
  }
  if (!answer.every(Number.isFinite)) {
    throw new Error("The network's answer is not finite numbers. Try " +
      "another backend, or export it again.");
  }
  const values = settings.output === "scores" ? softmax(answer) : answer;
  const best = Array.from(values.keys())
    .sort((a, b) => values[b] - values[a]).slice(0, SHOWN);
  while (list.children.length < best.length) list.append(newRow());
  best.forEach((number, place) => fill(
    list.children[place], labels?.[number] || `class ${number}`,
    values[number]));
}

function softmax(scores) {
  const most = scores.reduce((a, b) => Math.max(a, b));
  const powers = Array.from(scores, (score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

function newRow() {
  const row = document.createElement("li");
  const [name, share] = ["span", "span"].map(
    (kind) => document.createElement(kind));
  name.className = "name";
  share.className = "share";
  const bar = document.createElement("div");
  bar.className = "bar";
  bar.role = "meter";
  bar.ariaValueMin = 0;
  bar.ariaValueMax = 1;
  bar.append(document.createElement("div"));
  row.append(name, share, bar);
  return row;
}

function fill(row, label, value) {
  const [name, share, bar] = row.children;
  // As text: a label may hold what would be HTML.
  name.textContent = label;
  share.textContent = `${(100 * value).toFixed(1)} %`;
  bar.ariaLabel = label;
  bar.ariaValueNow = value;
  bar.firstChild.style.width = `${100 * value}%`;
}
