import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, '../..');
export const chart = `${root}/deploy/helm/onboarding-gateway`;
// Where tests/chart/run puts tools and packages: outside the sources.
export const tools = process.env.CHART_TOOLS ?? `${root}/build/chart`;
