/** How many answers a second, over the last few of them. */

const WINDOW = 2000; // milliseconds

export class Speed {
  #times: { at: number; took: number }[] = [];

  add(at: number, took: number): void {
    this.#times.push({ at, took });
    this.#times = this.#times.filter((one) => at - one.at <= WINDOW);
  }

  restart(): void {
    this.#times = [];
  }

  /** Null before there are two answers to measure between. */
  get measured(): { rate: number; milliseconds: number } | null {
    const [first, last] = [this.#times[0], this.#times.at(-1)];
    if (!first || !last || last.at <= first.at) return null;
    const took = this.#times.reduce((sum, one) => sum + one.took, 0) / this.#times.length;
    return { rate: ((this.#times.length - 1) * 1000) / (last.at - first.at), milliseconds: took };
  }
}
