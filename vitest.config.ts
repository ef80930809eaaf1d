import { defineConfig } from 'vitest/config';

/**
 * Unit tests stand beside their code; those of them that need a server, a chain or many seconds are *.slow.test.ts. What spans modules is in test/.
 * Of the slow ones those that mostly wait for a chain or for forge run two at a time; the others see how long things take, and run alone.
 */
const WAITING = ['contracts', 'src', 'gateway/anchor', 'gateway/fsck'].map(
  (part) => `${part}/**/*.slow.test.ts`,
);

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,gateway,provider,witness,device-sim,contracts,bin,bench,scripts}/**/*.test.ts'],
          exclude: ['**/*.slow.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'waiting',
          include: WAITING,
          testTimeout: 180_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'whole',
          include: [
            'test/**/*.test.ts',
            '{src,gateway,provider,witness,device-sim,contracts,bin}/**/*.slow.test.ts',
          ],
          exclude: WAITING,
          testTimeout: 180_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
