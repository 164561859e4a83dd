"""train.py that saves its state after every epoch, in the processes that it starts, too.

These import the script that was started, and so get the patch.
"""

import callbacks
import command_line
import train

callbacks.resume.SECONDS_BETWEEN_SAVES = 0.0

if __name__ == "__main__":
    command_line.run(train.main)
