"""rungwise against other ways to fit the same nets.

    python -m benchmarks throughput          a short version, about five minutes on two cores
    python -m benchmarks throughput --full   all nets, five pairs each, under an hour
    python -m benchmarks colour              colour images of 32x32 and 64x64, against PyTorch by hand
    python -m benchmarks perceptrons         pairs of digits against NumPy loops
    python -m benchmarks seeds               models per second, for many seeds
    python -m benchmarks growth              how costs grow
    python -m benchmarks large               memory and time on a million images in a file

`make bench` and `make bench-full` do what the first two do, and install the peers first. What these two and `colour`
compare:

- Each peer is one file in `peers`, and one process, which imports its library once and then waits for its turn. Only
  one process works at a time: all fit one epoch in turn, then all the next, and times are compared round by round.
- An epoch runs from raw uint8 images in memory through all training steps, in one clock with shuffling, scaling
  and whatever the library does between steps. The first epoch (building, compiling) is told apart from the others.
- *Equal work*: same net, initial weights, order of images, batch, epochs, float32 and Adam's constants. Each peer's
  mean training loss in the first epoch must be rungwise's; a peer whose loss is not is told as doing other work.
- *Default against default*: each library as its tutorial has it; only net, batch and learning rate are the same.
"""
