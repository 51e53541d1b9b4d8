import { readFileSync } from 'node:fs';

const about = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
  gitCommit?: string;
};

/** Version of this build, from package.json. */
export const VERSION = about.version;

/** Commit that this build was made from; only a bundle knows it. */
export const GIT_COMMIT = about.gitCommit ?? 'unknown';
