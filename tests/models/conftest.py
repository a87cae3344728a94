import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # read once, when Keras is first imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
