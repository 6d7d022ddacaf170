import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { PortTaken, settlePorts } from '../src/ports.js';

const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve));
});

function occupy(port = 0): Promise<number> {
  const server = createServer();
  open.push(server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '0.0.0.0', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}

const user = { name: 'user', portVariable: 'USER_PORT' };

describe('settlePorts', () => {
  it('rejects with the port, the service and the variable if a port is in use', async () => {
    const port = await occupy();
    const settled = settlePorts([user], new Map([['user', port]]), '127.0.0.1');
    await expect(settled).rejects.toBeInstanceOf(PortTaken);
    await expect(settled).rejects.toThrow(`Port ${port} for the user service is in use`);
    await expect(settled).rejects.toThrow('USER_PORT');
  });

  it('rejects if the port for metrics is in use', async () => {
    const port = await occupy();
    const settled = settlePorts([user], new Map([['user', port - 1000]]), '127.0.0.1');
    await expect(settled).rejects.toThrow(`Port ${port} for the metrics of the user service is in use`);
  });

  it('rejects with HOST if this machine does not have the address', async () => {
    const settled = settlePorts([user], new Map([['user', 0]]), '192.0.2.1');
    await expect(settled).rejects.toThrow('HOST: this machine has no address 192.0.2.1');
  });

  it('chooses a free port for 0', async () => {
    const ports = await settlePorts([user], new Map([['user', 0]]), '127.0.0.1');
    expect(await occupy(ports.get('user'))).toBe(ports.get('user'));
  });
});
