// @ts-check
/** Seeded samples for `decision.bench.mjs`: the same numbers on every machine. */

/** @typedef {{ uniform: () => number, normal: () => number, below: (count: number) => number }} Random */
/** @typedef {{ name: string, sigma: number, isDependent: boolean, start: (random: Random) => () => number }} Distribution */

/** xoshiro128** of D. Blackman and S. Vigna, seeded by splitmix32. @param {number} seed @returns {Random} */
export function createRandom(seed) {
  const state = new Uint32Array(4);
  let split = seed | 0;
  for (let index = 0; index < 4; index++) {
    split = (split + 0x9e3779b9) | 0;
    let mixed = Math.imul(split ^ (split >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    state[index] = mixed ^ (mixed >>> 15);
  }
  let [a, b, c, d] = /** @type {[number, number, number, number]} */ ([...state].map((x) => x | 0));
  const bits = () => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result >>> 0;
  };
  const uniform = () => ((bits() >>> 5) * 67108864 + (bits() >>> 6) + 0.5) / 9007199254740992;
  let spare = Number.NaN;
  const normal = () => {
    if (!Number.isNaN(spare)) {
      const value = spare;
      spare = Number.NaN;
      return value;
    }
    for (;;) {
      const x = 2 * uniform() - 1;
      const y = 2 * uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      spare = y * factor;
      return x * factor;
    }
  };
  return { uniform, normal, below: (count) => Math.floor(uniform() * count) };
}

const POISSON_MEAN = 4;
const POISSON_CUMULATIVE = poissonCumulative(POISSON_MEAN);
const AUTOCORRELATION = 0.7;

/** @type {readonly Distribution[]} */
export const DISTRIBUTIONS = [
  { name: 'normal', sigma: 1, isDependent: false, start: (random) => random.normal },
  {
    name: 'lognormal',
    sigma: Math.sqrt((Math.E - 1) * Math.E),
    isDependent: false,
    start: (random) => () => Math.exp(random.normal()),
  },
  {
    name: 't(3)',
    sigma: Math.sqrt(3),
    isDependent: false,
    start: (random) => () => {
      const [x, y, z] = [random.normal(), random.normal(), random.normal()];
      return random.normal() / Math.sqrt((x * x + y * y + z * z) / 3);
    },
  },
  {
    name: 'Poisson(4)',
    sigma: Math.sqrt(POISSON_MEAN),
    isDependent: false,
    start: (random) => () => {
      const u = random.uniform();
      let value = 0;
      while (u > /** @type {number} */ (POISSON_CUMULATIVE[value])) value++;
      return value;
    },
  },
  {
    name: 'AR(1) 0.7',
    sigma: 1,
    isDependent: true,
    start: (random) => {
      const innovation = Math.sqrt(1 - AUTOCORRELATION ** 2);
      let value = random.normal();
      return () => {
        value = AUTOCORRELATION * value + innovation * random.normal();
        return value;
      };
    },
  },
];

/** @param {string} name */
export function distributionOf(name) {
  const found = DISTRIBUTIONS.find((distribution) => distribution.name === name);
  if (found === undefined) throw new Error(`no distribution ${name}`);
  return found;
}

/** @param {number} mean */
function poissonCumulative(mean) {
  const cumulative = [];
  let probability = Math.exp(-mean);
  let sum = 0;
  for (let value = 0; value < 100; value++) {
    sum += probability;
    cumulative.push(value === 99 ? 1 : sum);
    probability *= mean / (value + 1);
  }
  return cumulative;
}
