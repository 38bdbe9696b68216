"""A page for the browser that runs a LiteRT file."""

import dataclasses

from export.targets.litert import LITERT

WEB = dataclasses.replace(
    LITERT,
    name="web",
    title="a page",
    file="web",
    write="export.formats.web:write",
    runner="export.runtime.file_runners:WebRunner",
    runtime="LiteRT.js in a browser",
    contents="settings.json",
    network="model.tflite",
    litert_js=True,
    example=LITERT.example.replace("{file}", "{file}/model.tflite"),
    serving="""\
It is served as any folder of files is. Here, on one thread:

```sh
python -m http.server --directory {file}
```

and then http://localhost:8000. The camera asks for HTTPS, or for this machine.
The network takes several threads where the server sends the headers
`Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy:
require-corp`. `settings.json` says what a page of your own needs to know.""",
)
