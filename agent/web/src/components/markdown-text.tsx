import { memo } from 'preact/compat'
import { type Block, type Inline, parseMarkdown } from '../markdown.ts'
import { CopyButton } from './copy-button.tsx'

/** What a model wrote. Elements are made one by one, so that its text is never read as HTML. */
export const MarkdownText = memo(function MarkdownText({ text }: { text: string }) {
  return (
    <div class="prose">
      <Blocks blocks={parseMarkdown(text)} />
    </div>
  )
})

function Blocks({ blocks }: { blocks: readonly Block[] }) {
  return blocks.map((block, index) => <OneBlock key={index} block={block} />)
}

function OneBlock({ block }: { block: Block }) {
  switch (block.kind) {
    case 'paragraph':
      return (
        <p>
          <Inlines pieces={block.children} />
        </p>
      )
    case 'heading': {
      // The page's own headings are level 1 and 2.
      const Heading = block.level === 1 ? 'h3' : block.level === 2 ? 'h4' : 'h5'
      return (
        <Heading>
          <Inlines pieces={block.children} />
        </Heading>
      )
    }
    case 'code':
      return <CodeBlock language={block.language} text={block.text} />
    case 'list':
      return <List start={block.start} items={block.items} />
    case 'quote':
      return (
        <blockquote>
          <Blocks blocks={block.children} />
        </blockquote>
      )
    case 'table':
      return <Table head={block.head} rows={block.rows} />
    case 'rule':
      return <hr />
  }
}

function CodeBlock({ language, text }: { language: string; text: string }) {
  return (
    <figure class="code">
      <figcaption>
        <span>{language || 'text'}</span>
        <CopyButton text={text} label="Copy code" />
      </figcaption>
      <pre>
        <code>{text}</code>
      </pre>
    </figure>
  )
}

function List({ start, items }: { start: number | undefined; items: readonly Block[][] }) {
  const entries = items.map((item, index) => (
    <li key={index}>
      <Blocks blocks={item} />
    </li>
  ))
  return start === undefined ? <ul>{entries}</ul> : <ol start={start}>{entries}</ol>
}

function Table({ head, rows }: { head: readonly Inline[][]; rows: readonly Inline[][][] }) {
  return (
    <div class="table">
      <table>
        <thead>
          <tr>
            {head.map((cell, index) => (
              <th key={index} scope="col">
                <Inlines pieces={cell} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column}>
                  <Inlines pieces={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Inlines({ pieces }: { pieces: readonly Inline[] }) {
  return pieces.map((piece, index) => <OneInline key={index} piece={piece} />)
}

function OneInline({ piece }: { piece: Inline }) {
  switch (piece.kind) {
    case 'text':
      return piece.text
    case 'code':
      return <code>{piece.text}</code>
    case 'strong':
      return (
        <strong>
          <Inlines pieces={piece.children} />
        </strong>
      )
    case 'emphasis':
      return (
        <em>
          <Inlines pieces={piece.children} />
        </em>
      )
    case 'link':
      return <Link href={piece.href} pieces={piece.children} />
  }
}

/** Where a link really goes stands beside its words, unless the words are the address. */
function Link({ href, pieces }: { href: string; pieces: readonly Inline[] }) {
  const words = pieces.map((piece) => ('text' in piece ? piece.text : '')).join('')
  const { host, pathname } = new URL(href)
  const target = host || pathname
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>
      <Inlines pieces={pieces} />
      {words.includes(target) ? null : <span class="target"> ({target})</span>}
    </a>
  )
}
