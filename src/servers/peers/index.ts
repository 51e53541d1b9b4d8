export { createPeerClient, type PeerClient } from './client.ts';
export { createReplicatedLookup } from './lookup.ts';
export { createPeerServer, type PeerServer } from './server.ts';
export type * from './types.ts';
