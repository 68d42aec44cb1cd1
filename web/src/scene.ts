/** What every scene (pictures, texts, sounds) is given to work with. */
import type { Answer } from './answer';
import type { Manifest } from './manifest';
import type { Input } from './messages';

export interface Scene {
  manifest: Manifest;
  /** Asks the model, tells the world, and returns what was answered; null where the model could not answer. */
  ask: (input: Input) => Promise<Answer | null>;
}
