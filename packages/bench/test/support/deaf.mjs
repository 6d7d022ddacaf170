// Answers once, then hears neither questions nor SIGTERM.
process.on('SIGTERM', () => {});
process.once('message', ({ id, input }) => process.send({ id, ok: true, value: input }));
setInterval(() => {}, 1_000);
