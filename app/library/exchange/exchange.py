"""The presenters of import, export, merge and agreement of one open project. Qt-free."""

from app.library.exchange.agreement_presenter import AgreementPresenter
from app.library.exchange.export_presenter import ExportPresenter
from app.library.exchange.import_presenter import ImportPresenter
from app.library.exchange.merge_presenter import MergePresenter
from app.library.exchange.presenting import Means


class Exchange:
    def __init__(self, means: Means) -> None:
        self.importing = ImportPresenter(means)
        self.exporting = ExportPresenter(means)
        self.merging = MergePresenter(means)
        self.agreement = AgreementPresenter(means)

    def close(self) -> None:
        """End what is under way; nothing of it stays half done."""
        for presenter in (self.importing, self.exporting, self.merging, self.agreement):
            presenter.close()
