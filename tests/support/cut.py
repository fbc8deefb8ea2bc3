"""Which words of a page are cut off by a box, as a reader would see it."""

from __future__ import annotations

from playwright.sync_api import Page

# A text's rectangles against every box that clips it. What can be scrolled to is not cut. A name
# that ends in an ellipsis has all of itself in a title; a number never ends so.
CUT = r"""() => {
  const clips = (style, axis) => ["hidden", "clip"].includes(style[`overflow${axis}`])
  const hidden = (element) => {
    const { width, height } = element.getBoundingClientRect()
    const seen = element.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    return width <= 1 || height <= 1 || !seen
  }
  const whole = (element, text) => {
    const titled = element.closest("[title]")
    return titled && titled.title.includes(text) && !/^[\d\s.,×⁻⁰¹²³⁴-⁹()–−<>%]+$/.test(text)
  }
  const found = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const node = walker.currentNode
    const text = node.textContent.trim()
    const parent = node.parentElement
    const unread = parent.closest(".sr, script, style, noscript, select, dialog")
    if (!text || unread || hidden(parent)) continue
    const range = document.createRange()
    range.selectNodeContents(node)
    const rects = [...range.getClientRects()].filter(({ width }) => width > 0)
    let scrolls = { X: false, Y: false }
    for (let box = parent; box !== document.body && rects.length; box = box.parentElement) {
      const style = getComputedStyle(box)
      const at = box.getBoundingClientRect()
      for (const axis of ["X", "Y"]) {
        if (["auto", "scroll"].includes(style[`overflow${axis}`])) scrolls[axis] = true
        const [from, to] = axis === "X" ? ["left", "right"] : ["top", "bottom"]
        if (scrolls[axis] || !clips(style, axis)) continue
        // one line with an ellipsis: its rectangle is as high as its line, not as its letters
        if (axis === "Y" && style.textOverflow === "ellipsis") continue
        const beyond = (rect) => Math.max(at[from] - rect[from], rect[to] - at[to])
        const over = Math.max(...rects.map(beyond))
        if (over <= (axis === "X" ? 1 : 3) || whole(parent, text)) continue
        const name = parent.className || parent.tagName
        found.push(`${name}: "${text}" by ${over.toFixed(1)} px ${axis}`)
      }
      if (style.position === "fixed") break
    }
  }
  for (const caption of document.querySelectorAll(".value")) {
    if (hidden(caption)) continue
    const range = document.createRange()
    range.selectNodeContents(caption)
    const edge = caption.closest(".cell").getBoundingClientRect().right
    const over = range.getBoundingClientRect().right - edge
    if (over > 0.5) found.push(`caption: "${caption.textContent.trim()}" by ${over.toFixed(1)} px`)
  }
  return [...new Set(found)]
}"""


def cut(page: Page) -> list[str]:
    """Return the words that are cut off, each with its element and by how much."""
    return [str(words) for words in page.evaluate(CUT)]
