// Four workers record into one spool; the primary delivers what they and their predecessors left there.
import cluster from 'node:cluster';

await import(cluster.isPrimary ? './primary.js' : './worker.js');
