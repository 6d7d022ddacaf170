/** Settles as `promise` does, or rejects with `reason` after `ms` milliseconds. The promise itself runs on. */
export async function within<T>(ms: number, promise: Promise<T>, reason: string | Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(typeof reason === 'string' ? new Error(reason) : reason), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
