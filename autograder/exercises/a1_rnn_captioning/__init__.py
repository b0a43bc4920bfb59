"""RNN captioning, in NumPy: seven functions from one time step to a sampled caption."""

ORDER = [
    "rnn_step_forward",
    "rnn_step_backward",
    "rnn_forward",
    "rnn_backward",
    "word_embedding_forward",
    "word_embedding_backward",
    "captioning_rnn_loss",
    "captioning_rnn_sample",
]
