"""``hadath serve``: the tagger over HTTP, with limits, batching of concurrent requests, and a page to try it."""
