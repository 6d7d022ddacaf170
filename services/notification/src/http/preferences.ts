import { closed } from '@warren/contracts';
import { notificationContract } from '@warren/notification-contract';
import { perMinute, problems, routes } from '@warren/service-kit';
import { Type } from 'typebox';
import type { NotificationContext } from '../context.js';
import { changePreferences } from '../operations/preferences.js';
import { preferencesOfPerson } from '../queries/preferences.js';
import { mostPerMinute, requestCaller } from './callers.js';

const Preferences = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          kind: Type.String({ description: 'Clients must expect kinds that they do not know.' }),
          locked: Type.Boolean({ description: 'Whether its channels cannot be switched off.' }),
          channels: Type.Object(
            { 'in-app': Type.Boolean(), email: Type.Boolean(), push: Type.Boolean() },
            closed,
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);

const PreferenceChanges = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          kind: Type.String({ maxLength: 64, description: 'A kind that GET returns.' }),
          channels: Type.Object(
            {
              'in-app': Type.Optional(Type.Boolean()),
              email: Type.Optional(Type.Boolean()),
              push: Type.Optional(Type.Boolean()),
            },
            closed,
          ),
        },
        closed,
      ),
      { maxItems: 100, description: 'Kinds and channels that are left out stay as they are.' },
    ),
  },
  closed,
);

/** Where the notices of each kind go. */
export function preferenceRoutes({ uow, client }: Pick<NotificationContext, 'uow' | 'client'>) {
  return routes((http) => {
    http.get(
      '/preferences',
      { schema: { summary: 'Returns where the notices of each kind go', response: { 200: Preferences } } },
      async ({ principal }) => ({ items: await preferencesOfPerson(client, principal.userId) }),
    );

    http.put(
      '/preferences',
      {
        config: { rateLimit: perMinute(mostPerMinute.settings) },
        schema: {
          summary: 'Changes where the notices of some kinds go',
          body: PreferenceChanges,
          response: { 200: Preferences, ...problems(notificationContract, 'preference-locked') },
        },
      },
      async (request) => ({
        items: await changePreferences(uow, requestCaller(request), request.body.items),
      }),
    );
  });
}
