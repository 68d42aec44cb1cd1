"""The folder of a run: everything that was decided, seen and made, in files a person can read."""

from graft.run_folder.folder import RunFolder, findings_json
from graft.run_folder.place import is_made_by_graft, is_run, place_for
from graft.run_folder.settings import Essential, Resumable

__all__ = ["Essential", "Resumable", "RunFolder", "findings_json", "is_made_by_graft", "is_run", "place_for"]
