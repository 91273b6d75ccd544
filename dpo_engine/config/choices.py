"""The words that a setting of training can be."""

from typing import Literal

Method = Literal["lora", "full", "qlora"]
LossType = Literal[
    "sigmoid",
    "ipo",
    "hinge",
    "robust",
    "exo_pair",
    "nca_pair",
    "bco_pair",
    "sppo_hard",
    "apo_zero",
    "apo_down",
    "discopop",
    "sigmoid_norm",
    "simpo",
    "orpo",
]
DType = Literal["auto", "float32", "bfloat16"]
Device = Literal["auto", "cuda", "mps", "cpu"]
Schedule = Literal["linear", "cosine", "constant"]
Optimizer = Literal["adamw", "adamw_8bit"]
Switch = Literal["auto", "on", "off"]
BestBy = Literal["eval_loss", "eval_rewards/margins", "eval_rewards/accuracies"]
Logger = Literal["none", "tensorboard", "trackio"]
