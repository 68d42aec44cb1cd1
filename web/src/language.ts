/** Every word on the page, in two languages. */

const english = {
  question: 'What is it?',
  answer: 'Answer',
  loading: 'Loading the model',
  ready: 'Ready. Nothing leaves this device.',
  notSure: 'Not sure',
  notSureHint: 'This may be none of the kinds that it knows.',
  start: 'Start the camera',
  stop: 'Stop',
  switch: 'Switch',
  freeze: 'Freeze',
  resume: 'Go on',
  photo: 'Photos',
  photos: 'Your photos',
  back: 'Camera',
  pointHere: 'Point the camera at one thing, near and in good light.',
  speed: '{rate} a second · {milliseconds} ms each',
  took: '{milliseconds} ms',
  writeHere: 'Write or paste a text',
  classify: 'Ask',
  record: 'Record',
  recordHint: 'Tap, then speak. It stops by itself after {seconds} seconds.',
  recording: 'Listening',
  audioFile: 'Choose a recording',
  level: 'Loudness',
  about: 'About',
  close: 'Close',
  language: '中文',
  languageName: '切换到中文',
  waiting: 'The answer appears here.',
  private: 'Nothing you show, write or say leaves this device.',
  aboutClasses: 'Knows {count} kinds',
  aboutAccuracy: 'Right in',
  aboutAccuracyValue: '{value} of {samples} samples of its {part} part (95% interval {low} to {high})',
  aboutNoAccuracy: 'not measured',
  aboutThreshold: 'Says “not sure”',
  aboutThresholdValue: 'when less than {certain} certain',
  aboutThresholdNever: 'never',
  aboutMade: 'Made on',
  aboutLicence: 'Licence of the weights',
  aboutLicenceSource: 'Licence stated in',
  aboutLicenceNote: 'Note on the licence',
  aboutVariant: 'Variant',
  aboutThreads: 'Threads',
  aboutGraft: 'Made with graft',
  check: 'Check this device',
  checking: 'Checking {done} of {all}',
  checked: '{agree} of {all} examples agree with the computer that made this (largest difference {difference}).',
  noExamples: 'This page came without examples to check.',
  updateReady: 'A new version is ready.',
  reload: 'Use it',
  offlineReady: 'Saved: it works without a network now.',
  errorCameraDenied: 'The camera is blocked: allow it for this page in the browser’s settings, or choose photos.',
  errorCameraMissing: 'No camera was found: connect one, or choose photos.',
  errorCameraBusy: 'Another program uses the camera: close that program and try again, or choose photos.',
  errorMicrophoneDenied:
    'The microphone is blocked: allow it for this page in the browser’s settings, or choose a recording.',
  errorMicrophoneMissing: 'No microphone was found: connect one, or choose a recording.',
  errorInsecureCamera: 'The camera needs an address that begins with https, or localhost: open one, or choose photos.',
  errorInsecureMicrophone:
    'The microphone needs an address that begins with https, or localhost: open one, or choose a recording.',
  errorUnsupported: 'This browser is too old to run the model: update it, or open the page in a current browser.',
  errorDamaged: '{file} is damaged: reload the page, and if that does not help, export the model again.',
  errorManifest: 'The model’s description cannot be used: export the model again. ({reason})',
  errorModel: 'The model could not be loaded: check the connection and reload the page. ({reason})',
  errorPicture: '{file} cannot be read as a picture: choose a JPEG, PNG or WebP.',
  errorSound: '{file} cannot be read as a recording: choose a WAV, MP3 or M4A.',
  errorRun: 'The model could not answer: reload the page and try again. ({reason})',
};

export type Key = keyof typeof english;

const chinese: Record<Key, string> = {
  question: '这是什么？',
  answer: '结果',
  loading: '正在加载模型',
  ready: '已就绪，数据不会离开本机。',
  notSure: '不确定',
  notSureHint: '它可能不属于模型认识的任何一类。',
  start: '打开相机',
  stop: '停止',
  switch: '切换',
  freeze: '定格',
  resume: '继续',
  photo: '照片',
  photos: '你的照片',
  back: '相机',
  pointHere: '请在光线充足处，将相机靠近并对准一件物品。',
  speed: '每秒 {rate} 次 · 每次 {milliseconds} 毫秒',
  took: '{milliseconds} 毫秒',
  writeHere: '输入或粘贴一段文字',
  classify: '判断',
  record: '录音',
  recordHint: '点按后说话，{seconds} 秒后自动停止。',
  recording: '正在听',
  audioFile: '选择录音',
  level: '音量',
  about: '关于',
  close: '关闭',
  language: 'English',
  languageName: 'Switch to English',
  waiting: '结果会显示在这里。',
  private: '你展示、输入或说出的内容都不会离开本机。',
  aboutClasses: '认识 {count} 类',
  aboutAccuracy: '准确率',
  aboutAccuracyValue: '{value}（{part} 部分的 {samples} 个样本，95% 区间 {low} 至 {high}）',
  aboutNoAccuracy: '未测量',
  aboutThreshold: '回答“不确定”',
  aboutThresholdValue: '当把握低于 {certain} 时',
  aboutThresholdNever: '从不',
  aboutMade: '制作日期',
  aboutLicence: '权重许可证',
  aboutLicenceSource: '许可证出处',
  aboutLicenceNote: '许可证说明',
  aboutVariant: '版本类型',
  aboutThreads: '线程数',
  aboutGraft: 'graft 版本',
  check: '检查本机',
  checking: '正在检查第 {done} 个，共 {all} 个',
  checked: '{all} 个样例中有 {agree} 个与制作时的结果一致（最大差异 {difference}）。',
  noExamples: '此页面没有附带可供检查的样例。',
  updateReady: '新版本已准备好。',
  reload: '使用新版本',
  offlineReady: '已保存：没有网络也能使用。',
  errorCameraDenied: '相机被禁止使用：请在浏览器设置中允许此页面使用相机，或选择照片。',
  errorCameraMissing: '没有找到相机：请连接相机，或选择照片。',
  errorCameraBusy: '相机正被其他程序占用：请关闭该程序后重试，或选择照片。',
  errorMicrophoneDenied: '麦克风被禁止使用：请在浏览器设置中允许此页面使用麦克风，或选择录音。',
  errorMicrophoneMissing: '没有找到麦克风：请连接麦克风，或选择录音。',
  errorInsecureCamera: '相机只能在以 https 开头的地址或 localhost 上使用：请换用这样的地址，或选择照片。',
  errorInsecureMicrophone: '麦克风只能在以 https 开头的地址或 localhost 上使用：请换用这样的地址，或选择录音。',
  errorUnsupported: '浏览器版本过旧，无法运行模型：请更新浏览器，或换用新版浏览器打开。',
  errorDamaged: '{file} 已损坏：请刷新页面；若仍无效，请重新导出模型。',
  errorManifest: '模型说明无法使用：请重新导出模型。（{reason}）',
  errorModel: '模型无法加载：请检查网络并刷新页面。（{reason}）',
  errorPicture: '无法将 {file} 读取为图片：请选择 JPEG、PNG 或 WebP。',
  errorSound: '无法将 {file} 读取为录音：请选择 WAV、MP3 或 M4A。',
  errorRun: '模型未能作答：请刷新页面后重试。（{reason}）',
};

export type Language = 'en' | 'zh-CN';
export const tables: Record<Language, Record<Key, string>> = { en: english, 'zh-CN': chinese };

const STORED = 'graft-language';

/** The language kept from an earlier visit, else the browser's, else English. */
export function choose(stored: string | null, browser: readonly string[]): Language {
  if (stored === 'en' || stored === 'zh-CN') return stored;
  const first = browser.find((name) => /^(zh|en)\b/i.test(name));
  return first?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

export function fill(template: string, values: Record<string, string | number> = {}): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

let current: Language = 'en';
const listeners = new Set<() => void>();

export const language = (): Language => current;
export const say = (key: Key, values?: Record<string, string | number>): string => fill(tables[current][key], values);

export const percent = (value: number, digits = 0): string =>
  new Intl.NumberFormat(current, { style: 'percent', maximumFractionDigits: digits }).format(value);

/** Calls back now and whenever the language changes. */
export function onLanguage(listener: () => void): void {
  listeners.add(listener);
  listener();
}

export function speak(next: Language): void {
  current = next;
  document.documentElement.lang = next;
  for (const listener of listeners) listener();
}

export function speakAsChosen(): void {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORED);
  } catch {
    // A browser that keeps nothing still has a language of its own.
  }
  speak(choose(stored, navigator.languages));
}

export function keep(next: Language): void {
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // Then the choice holds for this visit.
  }
  speak(next);
}
