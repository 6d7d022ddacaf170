import type { ErrorDefinitions } from '@warren/contracts';

/** The parts of an OpenAPI document that these tests use. */
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
}

export interface Operation {
  parameters?: { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: Schema }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, unknown>;
  security?: unknown[];
}

export type Schema = Readonly<Record<string, unknown>>;

export interface Route {
  /** For example `POST /payments/{id}/refunds`. */
  name: string;
  method: string;
  path: string;
  operation: Operation;
}

export async function routesOf(url: string): Promise<Route[]> {
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([verb, operation]) => {
      const method = verb.toUpperCase();
      return { name: `${method} ${path}`, method, path, operation };
    }),
  );
}

export interface Contract {
  service: string;
  emits: Record<string, Schema>;
  discardable?: string[];
  errors?: ErrorDefinitions;
  commands: Record<string, { input: Schema; output: Schema }>;
}

export async function contractOf(url: string): Promise<Contract> {
  return (await (await fetch(`${url}/contract.json`)).json()) as Contract;
}
