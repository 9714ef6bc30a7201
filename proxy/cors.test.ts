import { describe, expect, it } from 'vitest';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { rawRequest } from './testing/rawRequest.ts';
import { withChain } from './testing/withChain.ts';

const OURS = 'https://ours.example';
