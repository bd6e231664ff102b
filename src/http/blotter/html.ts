// The document of the blotter, which its script fills.

/** Everything comes from this service: no inline script, no inline style, no image from elsewhere. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const documentHeaders = { 'content-security-policy': policy }

/** A worker lives by the policy of its own script: it may call the service, and nobody else. */
export const scriptHeaders = { 'content-security-policy': "default-src 'none'; connect-src 'self'" }

export const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Orders</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/blotter/page.css">
<script type="module" src="/blotter/page.js"></script>
</head>
<body>
<div id="page"></div>
<noscript>This page is a script. <a href="/docs">The contracts and the handbook</a> need none.</noscript>
</body>
</html>
`
