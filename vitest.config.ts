import { defineConfig } from 'vitest/config';

/** Unit tests stand beside their code; those of them that need a server, a chain or many seconds are *.slow.test.ts. What spans modules is in test/. */
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
          name: 'whole',
          include: [
            'test/**/*.test.ts',
            '{src,gateway,provider,witness,device-sim,contracts,bin}/**/*.slow.test.ts',
          ],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
        },
      },
    ],
  },
});
