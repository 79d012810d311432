/** What `tidegauge model inspect` prints: one JSON object, or lines for a person. */
import type { BatchCost } from '../platform/model/model-file-cost.ts';
import type { ModelFileValue } from '../platform/model/model-file-value.ts';
import { totalWeights, type WeightSummary } from '../platform/model/model-file-weights.ts';
import { isSuspect, type ModelInspection } from './model-inspection.ts';
import { groupDigits } from './progress.ts';

export function modelJson(inspection: ModelInspection) {
  const { summary, trial } = inspection;
  const isRun = trial.refusal === null;
  return {
    file: inspection.file,
    bytes: inspection.bytes,
    sha256: inspection.sha256,
    runSha256: inspection.runSha256,
    irVersion: summary.irVersion,
    producer: summary.producer,
    operatorSets: summary.operatorSets,
    inputs: summary.inputs.map(valueJson),
    outputs: summary.outputs.map(valueJson),
    runOutputs: inspection.runOutputs.map(valueJson),
    operators: summary.operators,
    parameters: totalWeights(summary.weights),
    weights: summary.weights,
    externalFiles: summary.externalFiles,
    runs: isRun,
    refusal: trial.refusal,
    batchRowsFixed: isRun ? trial.batchRowsFixed : null,
    placement: isRun ? trial.placement : null,
    costs: isRun ? trial.costs : [],
  };
}

/** The shape as text: dimensions are numbers and names. */
function valueJson({ name, type, shape }: ModelFileValue) {
  return { name, type, shape: shape === null ? null : shapeText(shape) };
}

function shapeText(shape: readonly (number | string)[]): string {
  return `[${shape.map((dimension) => (dimension === '' ? '?' : dimension)).join(', ')}]`;
}

function valueText({ name, type, shape }: ModelFileValue): string {
  return `${name}: ${type}${shape === null ? '' : ` ${shapeText(shape)}`}`;
}

/** A label and its lines, the label once. */
function section(label: string, lines: readonly string[]): string[] {
  return (lines.length === 0 ? ['none'] : lines).map(
    (line, index) => `${(index === 0 ? label : '').padEnd(14)}${line}`,
  );
}

export function modelText(inspection: ModelInspection): string {
  const { summary, runOutputs, trial } = inspection;
  const isStripped = inspection.sha256 !== inspection.runSha256;
  const lines = [
    ...section('file', [`${inspection.file}, ${groupDigits(inspection.bytes)} bytes`]),
    ...section('sha-256', [
      inspection.sha256,
      ...(isStripped ? [`${inspection.runSha256} as it is run, without ZipMap`] : []),
    ]),
    ...section('made by', [`${summary.producer || 'nobody named'}, IR ${summary.irVersion}`]),
    ...section(
      'opset',
      summary.operatorSets.map(({ domain, version }) => `${domain} ${version}`),
    ),
    ...section('inputs', summary.inputs.map(valueText)),
    ...section('outputs', summary.outputs.map(valueText)),
    ...(isStripped ? section('  as run', runOutputs.map(valueText)) : []),
    ...section(
      'operators',
      summary.operators.map(
        ({ operator, domain, count }) =>
          `${count} × ${domain === 'ai.onnx' ? operator : `${domain}.${operator}`}`,
      ),
    ),
    ...weightLines(summary.weights),
    ...(summary.externalFiles.length === 0 ? [] : section('other files', summary.externalFiles)),
    ...(trial.refusal === null
      ? [...costLines(trial.costs), ...section('placement', [placementText(trial)])]
      : section('runs here', ['no'])),
  ];
  return `${lines.join('\n')}\n`;
}

function weightLines(weights: readonly WeightSummary[]): string[] {
  const total = totalWeights(weights);
  return [
    ...section('parameters', [
      `${groupDigits(total.count)} in ${weights.length} tensors${rangeText(total)}`,
    ]),
    ...section('  by tensor', weights.map(weightText)),
    ...section('  suspect', weights.filter(isSuspect).map(suspectText)),
  ];
}

function rangeText({
  minimum,
  maximum,
}: {
  readonly minimum: number | null;
  readonly maximum: number | null;
}): string {
  if (minimum === null || maximum === null) return '';
  return `, ${digits(minimum)} to ${digits(maximum)}`;
}

function weightText(weight: WeightSummary): string {
  const where = weight.externalFile === null ? '' : `, in ${weight.externalFile}`;
  return `${weight.name}: ${weight.element} ${shapeText(weight.shape)}${rangeText(weight)}${where}`;
}

function suspectText({ name, ...counts }: WeightSummary): string {
  const { nanCount, infiniteCount, denormalCount } = counts;
  const parts = [
    ...(nanCount > 0 ? [`${groupDigits(nanCount)} NaN`] : []),
    ...(infiniteCount > 0 ? [`${groupDigits(infiniteCount)} infinite`] : []),
    ...(denormalCount > 0 ? [`${groupDigits(denormalCount)} denormal`] : []),
  ];
  return `${name}: ${parts.join(', ')}`;
}

function costLines(costs: readonly BatchCost[]): string[] {
  return section(
    'cost',
    costs.map(
      ({ rowCount, runMs, rowMs }) =>
        `${groupDigits(rowCount).padStart(5)} rows  ${digits(runMs)} ms  ${digits(rowMs * 1_000)} µs a row`,
    ),
  );
}

function placementText({
  placement,
  batchRowsFixed,
}: {
  readonly placement: string;
  readonly batchRowsFixed: number | null;
}): string {
  return batchRowsFixed === null ? placement : `${placement}, always ${batchRowsFixed} rows a run`;
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
