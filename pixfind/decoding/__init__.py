"""Files that anybody may have made, decoded in processes that may be lost.

A decoder is C code that reads what a stranger wrote. It may crash, never come to an end or ask for
all of the memory, and none of that can be caught inside of a process. So original files and
uploads are decoded in workers (``worker.py``), child processes that are killed when they take too
long, with bounds of their own for memory; what is lost with a worker is its file.

Workers are started as programs of their own, not by ``multiprocessing``: what that spawns imports
the user's main module again, and what it forks inherits locks that threads of ONNX Runtime hold.
Their answers are JSON and plain pixels (``framing.py``), which are checked (``answers.py``): a
worker that a file has taken over can give wrong answers, but cannot make pixfind run code, as a
pickle would. It can write nothing into files and knows nothing of pixfind's environment. It is no
sandbox, though: it runs as the same user.

``process.py`` is one worker as pixfind sees it, ``watch.py`` counts its time, ``workers.py`` has
several of them that are handed from file to file, and ``safely.py`` the functions that everything
but a run of the indexer calls. What pixfind has written itself (thumbnails, previews) is decoded
in place (``photos/decode.py``).
"""

# How long decoding a file may take; of a video, finding its next frame.
SECONDS = 20.0
# How many times as long a whole video may take, an hour: three hours of 1080p of which every frame
# must be decoded (``videos.reading.VERY_RARE``) take a quarter of that on two cores, any other film
# of two hours 12 seconds.
FILM = 180
# How long a worker may take to start: a slow disk, a virus scanner.
START_SECONDS = 60.0
