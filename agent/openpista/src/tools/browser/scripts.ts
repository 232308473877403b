/**
 * Functions that run in pages, as source: they see nothing of this program. They run in a world whose built-in
 * functions the page cannot replace.
 */

/** What a page says, and what in it can be clicked or filled in, each with a selector that finds it. */
export const READ_PAGE = `function (selector, most) {
  const root = selector === null ? document.body : document.querySelector(selector)
  if (root === null) return null
  const seen = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== 'hidden'
  const path = (element) => {
    if (element.id !== '' && document.querySelectorAll('#' + CSS.escape(element.id)).length === 1) return '#' + CSS.escape(element.id)
    const tag = element.localName
    for (const name of ['name', 'aria-label', 'href']) {
      const value = element.getAttribute(name)
      if (value === null || value.length > 80) continue
      const found = tag + '[' + name + '=' + JSON.stringify(value) + ']'
      if (document.querySelectorAll(found).length === 1) return found
    }
    const parent = element.parentElement
    if (parent === null) return tag
    const same = [...parent.children].filter((child) => child.localName === tag)
    const own = same.length === 1 ? tag : tag + ':nth-of-type(' + (same.indexOf(element) + 1) + ')'
    return parent === document.documentElement ? own : path(parent) + ' > ' + own
  }
  const label = (element) => (element.innerText || element.getAttribute('aria-label') || element.placeholder || element.value || '').trim().replace(/\\s+/g, ' ').slice(0, 80)
  const active = [...root.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, [role=button], [contenteditable=true]')]
  const elements = active.filter(seen).slice(0, most).map((element) => [path(element), label(element)])
  return { title: document.title, url: location.href, text: root.innerText ?? root.textContent ?? '', elements }
}`

/** Where an element is to be clicked, or why it cannot be. */
export const LOCATE = `function (selector) {
  let found
  try { found = document.querySelector(selector) } catch { return { fault: 'invalid' } }
  if (found === null) return { fault: 'missing' }
  found.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' })
  if (found.localName === 'a') found.removeAttribute('target')
  if (found.form) found.form.removeAttribute('target')
  const box = found.getBoundingClientRect()
  if (box.width === 0 || box.height === 0) return { fault: 'hidden' }
  const x = box.x + box.width / 2
  const y = box.y + box.height / 2
  const top = document.elementFromPoint(x, y)
  if (top === null) return { fault: 'hidden' }
  if (!found.contains(top) && !top.contains(found)) return { fault: 'covered' }
  if (found.disabled) return { fault: 'disabled' }
  return { x, y }
}`

/** Puts the caret into a field with all of its text selected, so that what is typed takes its place. */
export const FOCUS = `function (selector) {
  const field = document.querySelector(selector)
  if (field === null) return false
  field.focus()
  if (typeof field.select === 'function') field.select()
  else if (field.isContentEditable) getSelection().selectAllChildren(field)
  return document.activeElement === field && (field.isContentEditable || 'value' in field)
}`

export const WHERE = `function () { return { title: document.title, url: location.href } }`
