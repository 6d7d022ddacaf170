import type { TObject } from 'typebox';
import { type Environment, factsOf } from './read-config.js';

/** Programs that are built to be deployed are told so by `NODE_ENV`. */
export function withDeployment(env: Environment): Environment {
  if (env.DEPLOYMENT || env.DEPLOYMENT_FILE || env.NODE_ENV !== 'production') return env;
  return { ...env, DEPLOYMENT: 'production' };
}

/** What the shipped passwords and secrets are made of: those of docker-compose.yml and of k8s/overlays/quickstart. */
const published = 'development-only';

/** A line for each secret that anybody can read in this repository. */
export function publishedSecretProblems(schema: TObject, values: object): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const property = schema.properties[name];
    const isPublished = property && factsOf(property).secret && String(value).includes(published);
    if (!isPublished) return [];
    return [
      `${name} holds "${published}", a secret that is published with the code: set one of your own, ` +
        'or DEPLOYMENT=development where nobody else can reach it',
    ];
  });
}
