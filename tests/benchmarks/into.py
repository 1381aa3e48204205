"""The folder into which programs download: emptied before each run, looked at after it."""

import os
import shutil


class Into:
    def __init__(self, folder):
        self.folder = folder

    def empty(self):
        self.remove()
        self.folder.mkdir()

    def has(self, wanted):
        """Whether exactly these files have come; `wanted`: their sizes, by their names."""
        found = {}
        for folder, _, files in os.walk(self.folder):
            for file in files:
                path = os.path.join(folder, file)
                found[os.path.relpath(path, self.folder)] = os.stat(path).st_size
        return found == wanted

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
