"""A good row of every format that an import knows, by the format's key, as the tools write them."""

from typing import Any

_ASKED = [{"role": "user", "content": "Which is nearer?"}]
_MOON = [{"role": "assistant", "content": "Our moon."}]
_SUN = [{"role": "assistant", "content": "The sun."}]

PREFERENCES: dict[str, dict[str, Any]] = {
    "TRL preference": {"prompt": "Which is nearer?", "chosen": "Our moon.", "rejected": "The sun."},
    "TRL preference, conversational": {"prompt": _ASKED, "chosen": _MOON, "rejected": _SUN},
    "TRL preference, conversational, implicit prompt": {"chosen": _ASKED + _MOON, "rejected": _ASKED + _SUN},
    "TRL preference, implicit prompt": {
        "chosen": "Which is nearer? Our moon.",
        "rejected": "Which is nearer? The sun.",
    },
    "hh-rlhf transcripts": {
        "chosen": "\n\nHuman: Which is nearer?\n\nAssistant: Our moon.",
        "rejected": "\n\nHuman: Which is nearer?\n\nAssistant: The sun.",
    },
    "UltraFeedback, binarized": {
        "prompt": "Which is nearer?",
        "prompt_id": "ab12",
        "chosen": _ASKED + _MOON,
        "rejected": _ASKED + _SUN,
        "messages": _ASKED + _MOON,
        "score_chosen": 8.5,
        "score_rejected": 3.0,
    },
    "Argilla (chosen and rejected response)": {
        "instruction": "Which is nearer?",
        "chosen_response": "Our moon.",
        "rejected_response": "The sun.",
        "chosen_model": "m-1",
    },
    "UltraFeedback": {
        "instruction": "Which is nearer?",
        "completions": [
            {"response": "The sun.", "overall_score": 2.0, "model": "m-2"},
            {"response": "Our moon.", "overall_score": 9.0, "model": "m-1"},
            {"response": "Both.", "overall_score": 4.0, "model": "m-3"},
        ],
    },
}
"""All of them say that the moon is the better one, by what the format is called."""

ARENA: dict[str, dict[str, Any]] = {
    "conversations": {
        "question_id": "q1",
        "model_a": "m-1",
        "model_b": "m-2",
        "winner": "model_a",
        "judge": "arena_user_1",
        "conversation_a": _ASKED + _MOON,
        "conversation_b": _ASKED + _SUN,
        "turn": 1,
        "language": "English",
        "tstamp": 1682351591.1322,
    },
    "parts": {
        "id": "x",
        "model_a": "m-1",
        "model_b": "m-2",
        "winner": "both_bad",
        "conversation_a": [
            {"role": "user", "content": [{"type": "text", "text": "Which is nearer?", "image": None}]},
            {"role": "assistant", "content": [{"type": "text", "text": "Our moon.", "image": None}]},
        ],
        "conversation_b": [
            {"role": "user", "content": [{"type": "text", "text": "Which is nearer?", "image": None}]},
            {"role": "assistant", "content": [{"type": "text", "text": "The sun.", "image": None}]},
        ],
    },
    "turns": {
        "id": 30192,
        "model_a": "m-1",
        "model_b": "m-2",
        "prompt": '["Which is nearer?"]',
        "response_a": '["Our moon."]',
        "response_b": '["The sun."]',
        "winner_model_a": 0,
        "winner_model_b": 0,
        "winner_tie": 1,
    },
}

ARGILLA: dict[str, dict[str, Any]] = {
    "records": {
        "id": "r1",
        "fields": {"instruction": "Which is nearer?", "response_1": "Our moon.", "response_2": "The sun."},
        "metadata": {"response_1_model": "m-1"},
        "suggestions": {},
        "responses": {
            "preference": [
                {"value": "response_1", "user_id": "u1", "status": "submitted"},
                {"value": "response_2", "user_id": "u2", "status": "submitted"},
                {"value": "response_2", "user_id": "u3", "status": "discarded"},
            ]
        },
        "status": "completed",
    },
    "flat": {
        "instruction": "Which is nearer?",
        "response_1": "Our moon.",
        "response_2": "The sun.",
        "preference.responses": ["response_1"],
        "preference.responses.users": ["u1"],
        "preference.responses.status": ["submitted"],
        "preference.suggestion": None,
    },
    "feedback": {
        "prompt": "Which is nearer?",
        "response-1": "Our moon.",
        "response-2": "The sun.",
        "choose-best": [{"user_id": "u1", "value": "1", "status": "submitted"}],
        "choose-best-suggestion": None,
        "metadata": "{}",
    },
    "ranking": {
        "prompt": "Which is nearer?",
        "response-1": "Our moon.",
        "response-2": "The sun.",
        "order": [
            {
                "user_id": "u1",
                "status": "submitted",
                "value": [{"value": "response-2", "rank": 2}, {"value": "response-1", "rank": 1}],
            }
        ],
    },
}

LABEL_STUDIO: dict[str, dict[str, Any]] = {
    "json": {
        "id": 7,
        "data": {"prompt": "Which is nearer?", "answer1": "Our moon.", "answer2": "The sun."},
        "annotations": [
            {
                "id": 1,
                "completed_by": {"id": 4, "email": "ada@example.org"},
                "result": [
                    {
                        "type": "pairwise",
                        "from_name": "pw",
                        "to_name": "answer1,answer2",
                        "value": {"selected": "left"},
                    }
                ],
                "was_cancelled": False,
                "lead_time": 12.5,
            },
            {"id": 2, "completed_by": 5, "result": [], "was_cancelled": True},
        ],
    },
    "choices": {
        "id": 8,
        "data": {"prompt": "Which is nearer?", "answer1": "Our moon.", "answer2": "The sun."},
        "annotations": [
            {"completed_by": 5, "result": [{"type": "choices", "value": {"choices": ["Both bad"]}}]}
        ],
    },
    "min": {
        "id": 9,
        "prompt": "Which is nearer?",
        "answer1": "Our moon.",
        "answer2": "The sun.",
        "pw": {"selected": "left"},
        "annotator": 5,
        "annotation_id": 3,
        "lead_time": 4.25,
    },
}

STUDIO: dict[str, Any] = {
    "prompt": _ASKED,
    "chosen": [{"role": "assistant", "content": "Our moon, of course."}],
    "rejected": _SUN,
    "margin": 2.0,
    "dpo_studio": "preferences",
    "chosen_side": "right",
    "chosen_original": "Our moon.",
    "chosen_model": "m-1",
    "chosen_sampling": '{"temperature":0.5}',
    "chosen_seed": 7,
    "rejected_model": "m-2",
    "flagged": True,
    "comment": "why",
    "tags": ["sky"],
    "prompt_tags": ["short"],
    "split": "held_out",
    "source": "typed",
    "verdicts": [
        {
            "choice": "right",
            "strength": 2,
            "annotator": "ada",
            "seconds": 1.5,
            "created_at": "2026-01-02T03:04:05.000000+00:00",
            "edited": "Our moon, of course.",
            "settles": False,
        }
    ],
}

PROMPTS: dict[str, dict[str, Any]] = {
    "prompt": {"prompt": "Which is nearer?", "tags": ["sky"], "split": "test"},
    "messages": {"messages": _ASKED + _MOON},
    "conversations": {
        "conversations": [
            {"from": "human", "value": "Which is nearer?"},
            {"from": "gpt", "value": "Our moon."},
        ]
    },
    "instruction": {"instruction": "Which is nearer?"},
    "question": {"question": "Which is nearer?"},
}

BY_FORMAT: dict[str, list[dict[str, Any]]] = {
    "preference": [row for title, row in PREFERENCES.items() if title != "UltraFeedback"],
    "rated": [PREFERENCES["UltraFeedback"]],
    "arena": list(ARENA.values()),
    "argilla": list(ARGILLA.values()),
    "label_studio": list(LABEL_STUDIO.values()),
    "studio": [STUDIO],
    "prompts": list(PROMPTS.values()),
}
