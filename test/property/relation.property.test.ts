/** CEL arithmetic over event numbers is JavaScript's, however the literals are written. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileRelation } from '../../services/core/monitor/relation.ts';

const ARITHMETIC: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
};
const COMPARISONS: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
};

/** A field, or a literal as an integer or a decimal; a fixed seed of small numbers meets often. */
const operand = fc
  .record({ form: fc.constantFrom('field', 'int', 'double'), value: fc.nat(6) })
  .map(({ form, value }) => ({ form, value }));

test('arithmetic and comparison', () => {
  fc.assert(
    fc.property(
      operand,
      fc.constantFrom(...Object.keys(ARITHMETIC)),
      operand,
      fc.constantFrom(...Object.keys(COMPARISONS)),
      operand,
      fc.boolean(),
      (a, operator, b, comparison, c, turned) => {
        const event: Record<string, number> = {};
        const [left, right, other] = [a, b, c].map(({ form, value }, i) => {
          if (form === 'int') return `${value}`;
          if (form === 'double') return `${value}.0`;
          event[`f${i}`] = value;
          return `event.f${i}`;
        });
        // Arithmetic of two integer literals is CEL's own, on integers.
        fc.pre(!(a.form === 'int' && b.form === 'int') && Object.keys(event).length > 0);
        const sum = `${left} ${operator} ${right}`;
        const expression = turned
          ? `${other} ${comparison} ${sum}`
          : `${sum} ${comparison} ${other}`;
        const value = ARITHMETIC[operator]!(a.value, b.value);
        const expected = turned
          ? COMPARISONS[comparison]!(c.value, value)
          : COMPARISONS[comparison]!(value, c.value);
        const result = compileRelation({ name: 'r', expression })(event);
        expect({ expression, event, result }).toEqual({ expression, event, result: expected });
      },
    ),
    { numRuns: 2_000 },
  );
});
