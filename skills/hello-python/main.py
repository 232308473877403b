import json
import sys

# The input stands behind the arguments, as JSON.
name = json.loads(sys.argv[-1])["name"]
print(f"Hello, {name}! Your name has {sum(letter.isalpha() for letter in name)} letters.")
