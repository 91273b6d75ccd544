"""Import, export and merge: a project's content in and out of files. Qt-free, and torch-free at import.

*Content* is what is carried over, and what is the same after an export (of every kind) and an import into an
empty project, or a merge:

- every prompt that is not deleted: its messages, split and tags;
- every collected comparison that is not deleted or retired: its prompt, its two candidates (text, the model
  that wrote them with fingerprint, sampling, seed, finish reason, tokens and seconds), which of them stood
  left, flag, comment and tags;
- for each of them and each annotator the verdict that stands: choice, strength, edited text, seconds, time;
  and the verdicts by which a dispute was settled.

Two comparisons are the same when they have the same prompt and the same two candidates by text and model,
whichever stood left. Not content: ids, the order of the queue, verdicts that were undone or superseded,
repeats, margins, runs, scores, the journal, settings.

The way in: `sources` give rows, `formats` make each an `Entry`, `intake` keeps entries. The way out:
`outgoing` gives entries, `exporting` writes them. A merge is the two put together.
"""
