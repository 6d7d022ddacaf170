import { setTimeout as pause } from 'node:timers/promises';
import type { Ledger } from '../ledger.js';
import { type Fault, nameOf, sentenceOf } from '../plan/faults.js';
import type { Service } from '../services.js';
import type { Link } from '../system/links.js';
import type { Node } from '../system/nodes.js';
import type { System } from '../system/system.js';
import { plant } from './plant.js';

/** An injected fault with its actual times, in milliseconds since the run began. */
export interface DoneFault {
  name: string;
  sentence: string;
  from: number;
  until: number;
  /** Why the injection failed. */
  failure?: string;
}

/** Injects the planned faults. Faults at one place happen one after the other; faults at different places overlap. */
export class Injector {
  readonly done: DoneFault[] = [];
  readonly #system: System;
  readonly #ledger: Ledger;
  readonly #say: (line: string) => void;
  readonly #turns = new Map<object, Promise<void>>();
  readonly #running = new Set<Promise<void>>();

  constructor(system: System, ledger: Ledger, say: (line: string) => void) {
    this.#system = system;
    this.#ledger = ledger;
    this.#say = say;
  }

  /** Starts each fault when it is due, and resolves when all have ended. After `stop` no further fault starts. */
  async inject(plan: readonly Fault[], stop: AbortSignal): Promise<void> {
    const began = Date.now();
    for (const fault of plan) {
      const early = began + fault.at - Date.now();
      if (early > 0) await pause(early, undefined, { signal: stop }).catch(() => undefined);
      if (stop.aborted) break;
      this.#begin(fault);
    }
    await Promise.all(this.#running);
  }

  #begin(fault: Fault): void {
    const places = this.#placesOf(fault);
    const free = Promise.all(places.map((place) => this.#turns.get(place)));
    const running = free.then(() => this.#do(fault)).finally(() => this.#running.delete(running));
    for (const place of places) this.#turns.set(place, running);
    this.#running.add(running);
  }

  async #do(fault: Fault): Promise<void> {
    const from = this.#ledger.now();
    this.#say(`${seconds(from)} ${sentenceOf(fault)}`);
    const record: DoneFault = { name: nameOf(fault), sentence: sentenceOf(fault), from, until: from };
    this.done.push(record);
    try {
      await this.#apply(fault);
    } catch (error) {
      record.failure = (error as Error).message;
      this.#say(`${seconds(this.#ledger.now())} FAILED: ${sentenceOf(fault)}: ${record.failure}`);
    }
    record.until = this.#ledger.now();
  }

  async #apply(fault: Fault): Promise<void> {
    const { broker, postgres, nodes } = this.#system;
    switch (fault.kind) {
      case 'kill':
      case 'terminate': {
        const { instance } = this.#node(fault);
        await (fault.kind === 'kill' ? instance.kill() : instance.terminate());
        await pause(fault.forMs);
        return instance.start();
      }
      case 'kill-all': {
        const instances = nodes[fault.service].map(({ instance }) => instance);
        await Promise.all(instances.map((instance) => instance.kill()));
        await pause(fault.forMs);
        await Promise.all(instances.map((instance) => instance.start()));
        return;
      }
      case 'kill-holding': {
        // While its database doesn't answer, the instance receives deliveries and acknowledges none: all come again.
        const { instance, database } = this.#node(fault);
        database.stall();
        await pause(fault.forMs);
        await instance.kill();
        database.heal();
        return instance.start();
      }
      case 'pause': {
        const { instance } = this.#node(fault);
        instance.freeze();
        await pause(fault.forMs);
        return instance.thaw();
      }
      case 'restart-broker':
      case 'kill-broker':
        await (fault.kind === 'kill-broker' ? broker.kill() : broker.stop());
        await pause(fault.forMs);
        return broker.start();
      case 'alarm-broker':
        await broker.alarms.raise(fault.shortage);
        await pause(fault.forMs);
        return broker.alarms.clear(fault.shortage);
      case 'restart-postgres':
      case 'kill-postgres':
        await (fault.kind === 'kill-postgres' ? postgres.kill() : postgres.stop());
        await pause(fault.forMs);
        return postgres.startAgain();
      case 'cut':
        return this.#link(fault).cut();
      case 'stall':
      case 'delay': {
        const link = this.#link(fault);
        if (fault.kind === 'delay') link.delay(fault.delayMs);
        else link.stall();
        await pause(fault.forMs);
        return link.heal();
      }
      case 'drop': {
        // Data that is sent while the link is stalled is lost, and no side notices.
        const link = this.#link(fault);
        link.stall();
        await pause(fault.forMs);
        link.cut();
        return link.heal();
      }
      case 'plant':
        return plant(fault.what, broker.url, this.#ledger);
    }
  }

  /** The places that the fault affects. Two faults at one place would end each other. */
  #placesOf(fault: Fault): object[] {
    const { broker, postgres, nodes } = this.#system;
    switch (fault.kind) {
      case 'kill':
      case 'terminate':
      case 'pause':
        return [this.#node(fault).instance];
      case 'kill-all':
        return nodes[fault.service].map(({ instance }) => instance);
      case 'kill-holding':
        return [this.#node(fault).instance, this.#node(fault).database];
      case 'cut':
      case 'stall':
      case 'drop':
      case 'delay':
        return [this.#link(fault)];
      case 'restart-postgres':
      case 'kill-postgres':
        return [postgres];
      default:
        return [broker];
    }
  }

  #node({ service, instance }: { service: Service; instance: number }): Node {
    const node = this.#system.nodes[service][instance];
    if (!node) throw new Error(`there is no ${service}/${instance}`);
    return node;
  }

  #link(fault: Extract<Fault, { wire: string }>): Link {
    if (fault.wire === 'clients') return this.#system.balancers[fault.service];
    return this.#node(fault)[fault.wire];
  }
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1).padStart(6)} s`;
