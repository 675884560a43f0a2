// Goal: a page that is hidden, frozen or left is told as such. test/browser does it with a real one.
import { describe, expect, it } from 'vitest';
import { pageLifecycle } from '../src/index.ts';
import { logOf } from './lifecycle-log.ts';

class FakeTarget extends EventTarget {
  visibilityState = 'visible';
  listeners = 0;

  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.listeners += 1;
    super.addEventListener(...args);
  }

  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listeners -= 1;
    super.removeEventListener(...args);
  }

  fire(type: string, facts: object = {}): void {
    this.dispatchEvent(Object.assign(new Event(type), facts));
  }
}

function page() {
  const [document, window] = [new FakeTarget(), new FakeTarget()];
  return { document, window, source: pageLifecycle({ document, window }) };
}

describe('pageLifecycle', () => {
  it('tells of a page that is hidden and comes back', () => {
    const { document, source } = page();
    const { changes } = logOf(source);
    document.visibilityState = 'hidden';
    document.fire('visibilitychange');
    document.fire('freeze');
    document.fire('resume');
    document.visibilityState = 'visible';
    document.fire('visibilitychange');
    expect(changes).toEqual(['background', 'background', 'foreground', 'foreground']);
  });

  it('tells of a page that is left for good, and of one that is kept', () => {
    const { window, source } = page();
    const { changes } = logOf(source);
    window.fire('pageshow', { persisted: false });
    window.fire('pagehide', { persisted: true });
    window.fire('pageshow', { persisted: true });
    window.fire('pagehide', { persisted: false });
    expect(changes).toEqual(['background', 'foreground', 'background', 'exit']);
  });

  it('installs nothing before the first listener, and leaves nothing after the last', () => {
    const { document, window, source } = page();
    expect(document.listeners + window.listeners).toBe(0);
    const { changes, end } = logOf(source);
    expect([document.listeners, window.listeners]).toEqual([3, 2]);
    end();
    end();
    expect(document.listeners + window.listeners).toBe(0);
    document.fire('freeze');
    expect(changes).toEqual([]);
  });

  it('says what is missing where there is no page', () => {
    expect(() => pageLifecycle()).toThrow('document must be that of a page; in Node.js use nodeLifecycle()');
    expect(() => pageLifecycle({ document: new FakeTarget() })).toThrow('window must be that of a page');
  });
});
