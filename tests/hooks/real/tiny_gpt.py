"""A GPT of a few hundred parameters and a few sentences of numbers, made here: nothing is fetched."""

from __future__ import annotations

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments
from transformers.utils import logging

TOKENS = 16
"""Tokens of a sentence."""

logging.set_verbosity_error()


class Sentences(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 32

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        numbers = (torch.arange(TOKENS) + index) % 60
        return {"input_ids": numbers, "labels": numbers}


def model() -> GPT2LMHeadModel:
    shape = {"vocab_size": 64, "n_positions": TOKENS, "n_embd": 8, "n_layer": 1, "n_head": 2}
    return GPT2LMHeadModel(GPT2Config(**shape, bos_token_id=0, eos_token_id=0))


def arguments(folder: object, **changes: object) -> TrainingArguments:
    usual = {
        "output_dir": str(folder),
        "max_steps": 8,
        "per_device_train_batch_size": 4,
        "logging_steps": 4,
        "save_strategy": "no",
        "report_to": [],
        "include_num_input_tokens_seen": "all",
        "use_cpu": True,
        "disable_tqdm": True,
    }
    return TrainingArguments(**{**usual, **changes})


def trainer(folder: object, *callbacks: TrainerCallback, **changes: object) -> Trainer:
    return Trainer(
        model(),
        arguments(folder, **changes),
        train_dataset=Sentences(),
        eval_dataset=Sentences(),
        callbacks=list(callbacks),
    )
