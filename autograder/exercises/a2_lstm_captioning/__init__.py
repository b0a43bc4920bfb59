"""LSTM captioning, in NumPy: the memory cell forwards and backwards, and a caption from it."""

ORDER = [
    "lstm_step_forward",
    "lstm_step_backward",
    "lstm_forward",
    "lstm_backward",
    "captioning_lstm_loss",
    "captioning_lstm_sample",
]
