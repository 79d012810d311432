/** Rows as the service gets them, cells of an event, through its own packing and unpacking. */
import type { Column } from '../../services/core/monitor/monitor.ts';
import { type Cells, createModelBatching } from '../../services/inference-worker/model-batch.ts';
import type { ModelDescription } from '../../services/platform/model/model-runtime.ts';
import { stationMonitor } from '../support/embedded-run.ts';
import { FAKE_MODEL } from '../support/fake-model.ts';
import type { CellsCodec } from './inference-feed.ts';
import { INPUT, OUTPUT, ROWS, type Subject } from './inference-subjects.ts';

export function createCellsCodec(subject: Subject, description: ModelDescription): CellsCodec {
  const names = Array.from({ length: subject.width }, (_, index) => `column${index}`);
  const [like] = stationMonitor().columns;
  const columns = names.map((name): Column => ({ ...like!, name, path: [name] }));
  const batching = createModelBatching(
    stationMonitor({ columns }),
    {
      ...FAKE_MODEL,
      inputs: [{ tensor: INPUT, columns: names }],
      outputs: [{ name: 'risk', tensor: OUTPUT, index: 0, drift: null }],
    },
    description,
  );
  const events: Cells[] = [];
  for (let row = 0; row < 2 * ROWS; row++) events.push([...subject.features(row, 1)]);

  return {
    pack(from, rowCount) {
      const rows = events.slice(from % ROWS, (from % ROWS) + rowCount);
      for (const cells of rows) {
        const rejection = batching.check(cells);
        if (rejection !== null) throw new Error(rejection.message);
      }
      return batching.pack(rows);
    },
    score(outputs, row) {
      const values = batching.unpackRow(outputs, row);
      if ('code' in values) throw new Error(values.message);
      return values[0]!;
    },
  };
}
