/** The panel that says what this model is, and checks that it computes here what it computed there. */
import { find, hook, make } from './elements';
import { checkGolden } from './golden';
import { language, onLanguage, percent, say } from './language';
import type { Manifest } from './manifest';
import type { Session } from './session';

const panel = () => find('#panel', HTMLDialogElement);

const optional = (term: string, value: string): [string, string][] => (value ? [[term, value]] : []);

function facts(manifest: Manifest, threads: number | null): [string, string][] {
  const { accuracy } = manifest;
  const measured = accuracy
    ? say('aboutAccuracyValue', {
        value: percent(accuracy.value, 1),
        low: percent(accuracy.low, 1),
        high: percent(accuracy.high, 1),
        samples: accuracy.samples.toLocaleString(language()),
        part: accuracy.part,
      })
    : say('aboutNoAccuracy');
  const certain = 1 - manifest.unknownThreshold;
  const doubt = certain > 0 ? say('aboutThresholdValue', { certain: percent(certain) }) : say('aboutThresholdNever');
  return [
    [say('aboutAccuracy'), measured],
    [say('aboutThreshold'), doubt],
    [say('aboutMade'), manifest.made],
    [say('aboutVariant'), manifest.variant],
    ...(threads === null ? [] : ([[say('aboutThreads'), String(threads)]] as [string, string][])),
    [say('aboutLicence'), manifest.licence],
    ...optional(say('aboutLicenceSource'), manifest.licenceSource),
    ...optional(say('aboutLicenceNote'), manifest.licenceNote),
    [say('aboutGraft'), manifest.graft],
  ];
}

export function openAbout(): void {
  hook('about', HTMLButtonElement).addEventListener('click', () => panel().showModal());
  find('#close', HTMLButtonElement).addEventListener('click', () => panel().close());
  panel().addEventListener('click', (event) => {
    if (event.target === panel()) panel().close();
  });
}

export function describe(folder: string, manifest: Manifest, opening: Promise<Session>): void {
  let threads: number | null = null;
  const draw = () => {
    find('#facts', HTMLDListElement).replaceChildren(
      ...facts(manifest, threads).flatMap(([term, value]) => [make('dt', '', term), make('dd', '', value)]),
    );
    find('#classes summary', HTMLElement).textContent = say('aboutClasses', { count: manifest.classes.length });
  };
  find('#classes p', HTMLElement).textContent = manifest.classes.join(' · ');
  onLanguage(draw);
  opening.then(
    (session) => {
      threads = session.threads;
      draw();
    },
    () => {
      // The status line tells it.
    },
  );

  const button = find('#check', HTMLButtonElement);
  const line = find('#checked', HTMLElement);
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      const check = await checkGolden(folder, manifest, await opening, (done, all) => {
        line.textContent = say('checking', { done, all });
      });
      line.textContent = check
        ? say('checked', { agree: check.agree, all: check.all, difference: check.difference.toFixed(4) })
        : say('noExamples');
    } catch (error) {
      line.textContent = say('errorRun', { reason: error instanceof Error ? error.message : String(error) });
    } finally {
      button.disabled = false;
    }
  });
}
