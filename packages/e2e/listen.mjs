import { io } from 'socket.io-client';

for (const [service, port] of [
  ['user', 4001],
  ['payment', 4002],
  ['notification', 4003],
]) {
  let cursor;
  const socket = io(`http://localhost:${port}/${service}`, {
    transports: ['websocket'],
    auth: (give) => give({ token: process.env.TOKEN, cursor }),
  });
  socket.onAny((event, data, meta) => {
    cursor = meta?.cursor ?? cursor ?? data?.head;
    console.log(`/${service}`, event, JSON.stringify(data));
  });
  socket.on('connect_error', (error) => {
    console.log(`/${service}`, error.message, error.data ?? '');
    // Socket.IO does not reconnect after the server refused a connection, even if the refusal is temporary.
    if (error.data?.temporary) setTimeout(() => socket.connect(), 1_000 + 2_000 * Math.random());
  });
}
