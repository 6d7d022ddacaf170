import { prismaClient } from '@warren/service-kit';
import pg from 'pg';
import { PrismaClient } from '../../src/store/database.js';

/** Opens another Prisma client on the service's database. */
export function openClient(url: string): { prisma: PrismaClient; close(): Promise<void> } {
  const pool = new pg.Pool({ connectionString: url, max: 3, pipeline: true });
  const prisma = prismaClient(pool, (options) => new PrismaClient(options));
  return {
    prisma,
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}
